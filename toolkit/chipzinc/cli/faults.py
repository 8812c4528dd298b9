"""What is wrong with a design, as commands print it and as their JSON says it. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chipzinc.cli.output import print_table
from chipzinc.wording import counted, format_bytes

if TYPE_CHECKING:
    from chipzinc.designs.judgement import Fault, Judgement
    from chipzinc.graph.opgraph import OpGraph

SHOWN_OF_A_RULE = 8


def described(judgement: Judgement, graph: OpGraph) -> dict[str, Any]:
    """A judgement for JSON."""
    return {
        "valid": judgement.valid,
        "open": judgement.n_open,
        "penalty": judgement.penalty,
        "rules": judgement.counts,
        "violations": [_described(fault, graph) for fault in judgement.faults],
    }


def _described(fault: Fault, graph: OpGraph) -> dict[str, Any]:
    violation, witness = fault.violation, fault.witness
    return {
        "rule": violation.rule,
        "instance": violation.instance,
        "label": violation.label,
        "soft_weight": violation.soft_weight,
        "text": witness.text,
        "ops": [graph.op_names[op] for op in witness.ops],
        "chips": list(witness.chips),
        "demand": witness.demand,
        "limit": witness.limit,
        "unit": witness.unit,
        "excess": witness.excess,
    }


def print_judgement(judgement: Judgement) -> None:
    """Prints the violations by rule, the worst first."""
    print(_verdict(judgement))
    if judgement.n_open and judgement.valid:
        print("Whether the open ops have a place is another question: chipzinc repair looks for one.")
    for rule in dict.fromkeys(fault.violation.rule for fault in judgement.faults):
        faults = [fault for fault in judgement.faults if fault.violation.rule == rule]
        soft = faults[0].violation.soft_weight
        price = "" if soft is None else f" (soft, {soft:g} each)"
        print(f"\n{rule}: {len(faults)} violated{price}")
        _print_faults(faults)


def _verdict(judgement: Judgement) -> str:
    words = "Valid" if judgement.valid else "Not valid"
    if judgement.n_open:
        words = f"{'Nothing violated so far' if judgement.valid else words}, {counted(judgement.n_open, 'op')} open"
    return f"{words}: {counted(len(judgement.faults), 'violation')}."


def _print_faults(faults: Sequence[Fault]) -> None:
    rows = [[_excess(fault), fault.witness.text] for fault in faults[:SHOWN_OF_A_RULE]]
    print_table(["excess", "why"], rows)
    if len(rows) < len(faults):
        print(f"... and {len(faults) - len(rows)} more; --json has them all.")


def _excess(fault: Fault) -> str:
    witness = fault.witness
    if witness.excess is None:
        return "-"
    if witness.unit == "bytes":
        return format_bytes(witness.excess)
    return counted(witness.excess, (witness.unit or "").removesuffix("s"))
