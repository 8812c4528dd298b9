"""What `chipzinc doctor` reports of solvers: each place, what it offers, under which licence.

Must not print; the command line does.
"""

from __future__ import annotations

from typing import Any

from chipzinc.errors import SolverError
from chipzinc.solve import embedded
from chipzinc.solve.toolchain import Candidate, Solver, discover

#: Licences as their own repositories state them (SPDX names); the npm package's LICENSE file covers MiniZinc alone.
LICENCES = {
    "minizinc": "MPL-2.0",
    "gecode": "MIT",
    "chuffed": "MIT",
    "highs": "MIT",
    "coin-bc": "EPL-2.0",
    "cp-sat": "Apache-2.0",
}


def report(install: bool = False) -> dict[str, Any]:
    """Return what was found, as data for JSON.

    Args:
        install: first put the embedded MiniZinc into the user's cache, unless it is there.

    Returns:
        ``places`` (one dict a place, in the order of preference, with ``refusal`` where it is not used), ``used`` (the
        origin of the first that works, or None), ``node`` (the Node.js for the embedded one, or why there is none).

    Raises:
        SolverError: installing was asked for and failed.
    """
    if install:
        embedded.install()
    candidates = list(discover())
    used = next((candidate.origin for candidate in candidates if candidate.toolchain is not None), None)
    return {"places": [_place(candidate) for candidate in candidates], "used": used, "node": _node()}


def licence(solver: Solver) -> str | None:
    """Return the licence of a solver by its name, or None for one that is not known here."""
    return LICENCES.get(solver.name.lower())


def _place(candidate: Candidate) -> dict[str, Any]:
    place: dict[str, Any] = {
        "origin": candidate.origin,
        "command": None if candidate.command is None else str(candidate.command),
        "refusal": candidate.refusal or None,
    }
    toolchain = candidate.toolchain
    if toolchain is not None:
        place |= {
            "kind": toolchain.kind,
            "minizinc": toolchain.version,
            "licence": LICENCES["minizinc"],
            "solvers": [
                {"id": solver.id, "name": solver.name, "version": solver.version, "licence": licence(solver)}
                for solver in toolchain.solvers
            ],
        }
    return place


def _node() -> str:
    try:
        return str(embedded.find_node().node)
    except SolverError as error:
        return str(error)
