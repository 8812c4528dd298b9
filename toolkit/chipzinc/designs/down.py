"""Rules and designs on a package some of whose chips died: everything that names a chip by its number.

Plans keep the numbers of the spec; inside, the chips that are left are numbered anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chipzinc.designs.judgement import Fault, Judgement
from chipzinc.designs.witness import Witness
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.degrade import Degraded
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.rules.catalogue import selected_rules
from chipzinc.rules.types import ArrayOf, ParameterType, Scalar, SetOf, TupleOf, parse_type
from chipzinc.verify import Violation

DEAD_RULE = "chips_down"
"""What is violated where an op is on a dead chip; no rule file, since no spec selects it."""


def renumber_rules(whole: Package, degraded: Degraded) -> Package:
    """The degraded package with the chips that its rules' parameters name under their new numbers.

    Args:
        whole: the package before.
        degraded: what is left of it.

    Raises:
        InputError: if a rule needs a chip that is down.
    """
    types = {
        rule.name: {parameter.name: parse_type(parameter.type) for parameter in rule.rule.parameters}
        for rule in selected_rules(degraded.package)
    }

    def renumber(use: RuleUse) -> RuleUse:
        known = types[use.name]
        try:
            parameters = {
                name: _renumbered(value, known[name], degraded.place) if name in known else value
                for name, value in use.parameters.items()
            }
        except LookupError as error:
            message = f"the rule '{use.name}' needs chip {error.args[0]}, which is down"
            raise InputError(message, file=whole.source, line=use.line, field="rules") from error
        return replace(use, parameters=parameters)

    return replace(degraded.package, rules=tuple(renumber(use) for use in degraded.package.rules))


def with_dead(judgement: Judgement, graph: OpGraph, dead: IntArray) -> Judgement:
    """The judgement with the ops whose design has them on a dead chip as violations, one each, under `DEAD_RULE`.

    Args:
        judgement: what the rules say of the other ops.
        graph: the graph.
        dead: the ops, shape [dead].
    """
    if not len(dead):
        return judgement
    faults = []
    for number, op in enumerate(dead.tolist(), start=1):
        label = f"{graph.op_names[op]} is on a chip that is down"
        faults.append(Fault(Violation(DEAD_RULE, number, label), Witness(label, (op,))))
    counts = {DEAD_RULE: len(dead), **judgement.counts}
    return Judgement((*faults, *judgement.faults), counts, judgement.n_open)


def _renumbered(value: Any, type_: ParameterType, place: IntArray) -> Any:
    """A value of the spec with every chip renumbered; what does not suit the type is left to be refused later.

    Raises:
        LookupError: for a chip that is down.
    """
    match type_:
        case Scalar("CHIP") if isinstance(value, int) and 0 <= value < len(place):
            if place[value] < 0:
                raise LookupError(value)
            return int(place[value])
        case SetOf(item):
            values = value if isinstance(value, list) else [value]
            return [_renumbered(one, item, place) for one in values]
        case TupleOf(fields) if isinstance(value, list) and len(value) == len(fields):
            return [_renumbered(one, field, place) for one, field in zip(value, fields, strict=True)]
        case ArrayOf(_, TupleOf((first, second))) if isinstance(value, Mapping):
            return {_renumbered(key, first, place): _renumbered(one, second, place) for key, one in value.items()}
        case ArrayOf(("CHIP",), item) if isinstance(value, list) and len(value) == len(place):
            kept = sorted((int(new), one) for one, new in zip(value, place, strict=True) if new >= 0)
            return [_renumbered(one, item, place) for _, one in kept]
        case ArrayOf(_, item) if isinstance(value, list):
            return [_renumbered(one, item, place) for one in value]
    return value
