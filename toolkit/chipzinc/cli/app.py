"""The command `chipzinc`: which commands there are.

Each command stands in a file of its own, and imports the parts of the library it runs inside its function, so that
`chipzinc --help` stays quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

import chipzinc
from chipzinc.cli import (
    compare,
    density,
    doctor,
    explain,
    graphs,
    partition,
    price,
    repair,
    rule_files,
    rules,
    train,
    verify,
)
from chipzinc.cli.failures import answers, run

app = typer.Typer(
    help="Partition machine-learning models over multi-chip modules.",
    epilog="Exit codes: 0 yes, 1 a clear no, 2 bad input, 3 no answer, 130 interrupted.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
)


@app.callback()
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Partition machine-learning models over multi-chip modules."""
    if version:
        print(f"chipzinc {chipzinc.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("doctor")(answers(doctor.doctor))
app.command("import")(answers(graphs.import_graph))
app.command("render")(answers(graphs.render))
app.command("partition")(answers(partition.partition_graph, partition.FIELDS))
app.command("verify")(answers(verify.verify_plan, verify.FIELDS))
app.command("explain")(answers(explain.explain_design, explain.FIELDS))
app.command("repair")(answers(repair.repair_plan, repair.FIELDS))
app.command("compare")(answers(compare.compare_methods, compare.FIELDS))
app.command("train")(answers(train.train_policy, train.FIELDS))
app.command("bound")(answers(graphs.bound, ("bound_us",)))

rules_app = typer.Typer(help="List, show, write, check and try rules.", rich_markup_mode=None)
rules_app.command("list")(answers(rules.list_rules))
rules_app.command("show")(answers(rules.show_rule))
rules_app.command("test")(answers(rules.try_rules, ("passed", "rules")))
rules_app.command("new")(answers(rule_files.new_rule))
rules_app.command("lint")(answers(rule_files.lint_rules, ("passed", "rules")))
rules_app.command("price")(answers(price.price, price.FIELDS))
rules_app.command("density")(answers(density.density, density.FIELDS))
app.add_typer(rules_app, name="rules")


def main() -> None:
    """Runs the command line."""
    run(app)
