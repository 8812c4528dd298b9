"""The arguments and options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Graph = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="A graph file, an .onnx or .pt2 file, a placement JSON, or a name from the model zoo such as bert-large.",
    ),
]
Hardware = Annotated[
    str | None,
    typer.Option("--hw", metavar="SPEC", help="A hardware spec: a file, or a name in hw_specs/ such as mcm36-ring."),
]
FixShape = Annotated[
    list[str] | None,
    typer.Option("--fix-shape", metavar="INPUT=SIZES", help="Fix an input's dynamic shape: images=1,3,640,640."),
]
Design = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan, a table op,chip (CSV), or a split file.")]
OtherGraph = Annotated[
    str | None, typer.Option("--graph", metavar="GRAPH", help="The graph, instead of the one that the plan names.")
]
ChipsDown = Annotated[
    list[str] | None, typer.Option("--chips-down", metavar="CHIPS", help="Chips that died, by number: 7 or 7,9.")
]
LinksDown = Annotated[
    list[str] | None, typer.Option("--links-down", metavar="LINKS", help="Links that died: 3-4 or 3-4,8-9.")
]
OpTimes = Annotated[
    Path | None,
    typer.Option("--op-times", metavar="FILE", help="Ranges of op times: a CSV table with op,low_us,high_us."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Solver = Annotated[str, typer.Option("--solver", help="The solver, by its MiniZinc name: chuffed, gecode, ...")]
TimeLimit = Annotated[
    str, typer.Option("--time-limit", metavar="TIME", help="Longest time for all solver calls, compilation included.")
]
Evaluator = Annotated[
    str | None,
    typer.Option(
        "--evaluate-with",
        metavar="COMMAND",
        help="Score with this command instead of the throughput model: it reads a plan and answers JSON.",
    ),
]
PlanOutput = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="PLAN", help="Write the plan here, as YAML or, with .json, as JSON."),
]
