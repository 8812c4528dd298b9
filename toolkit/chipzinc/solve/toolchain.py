"""Finds a MiniZinc to solve with: the one named by the environment, a native one, or the embedded one.

Must not know what is solved. Whoever wants minizinc-python over the same toolchain gets its driver here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chipzinc.errors import SolverError
from chipzinc.solve import embedded

if TYPE_CHECKING:
    import minizinc  # type: ignore[import-untyped]

#: Names the executable to use before any other.
ENVIRONMENT = "CHIPZINC_MINIZINC"

#: Older ones lack library functions that the rules use; Debian 12's 2.6.4 also ships a broken Chuffed library.
OLDEST = (2, 8, 0)

#: A MiniZinc that takes longer to say its version is not one to wait for.
_ANSWER_S = 20.0

Kind = Literal["native", "embedded"]

#: Loads the toolkit that runs here, wherever the process is started.
_RUN_CP_SAT = (
    "import sys; sys.path[0] = sys.argv.pop(1); from chipzinc.solve.cpsat.__main__ import main; sys.exit(main())"
)


@dataclass(frozen=True, slots=True)
class Solver:
    """A solver that a toolchain has.

    Args:
        id: its unique name in MiniZinc, such as ``org.chuffed.chuffed``.
        name: its name for people.
        version: its version.
        tags: other names that select it.
        std_flags: the standard flags it accepts, such as ``-a`` or ``-f``.
        extra_flags: names of its own flags.
        executable: a program of its own that reads FlatZinc, where it is one; None where it is part of MiniZinc.
        arguments: what the program is given before its flags.
        library: id under which MiniZinc compiles for a solver that it does not know; empty for one that it knows.
    """

    id: str
    name: str
    version: str
    tags: tuple[str, ...]
    std_flags: frozenset[str]
    extra_flags: tuple[str, ...]
    executable: Path | None = None
    arguments: tuple[str, ...] = ()
    library: str = ""

    def answers_to(self, name: str) -> bool:
        """Whether ``name`` (id, last part of it, tag or name, any case) means this solver."""
        return name.lower() in {self.id.lower(), self.id.rsplit(".", 1)[-1].lower(), self.name.lower(), *self.tags}


#: OR-Tools' CP-SAT as the wheel carries it, where MiniZinc itself has none: its FlatZinc is the standard library's.
CP_SAT = Solver(
    id="org.chipzinc.cp-sat",
    name="CP-SAT",
    version="",
    tags=(),
    std_flags=frozenset({"-a", "-n", "-f", "-p", "-r", "-s", "-t"}),
    extra_flags=(),
    executable=Path(sys.executable),
    arguments=("-c", _RUN_CP_SAT, str(Path(__file__).parents[2])),
    library="org.minizinc.mzn-fzn",
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A MiniZinc that was found to work.

    Args:
        kind: ``native`` runs as a process of its own, ``embedded`` in WebAssembly under Node.js.
        command: the executable; both kinds understand MiniZinc's command line.
        version: of MiniZinc, such as ``2.10.0``.
        solvers: what it can solve with.
    """

    kind: Kind
    command: Path
    version: str
    solvers: tuple[Solver, ...]

    def has(self, name: str) -> bool:
        """Whether a solver answers to ``name``."""
        return any(solver.answers_to(name) for solver in self.solvers)

    def solver(self, name: str) -> Solver:
        """Return the solver that answers to ``name``.

        Raises:
            SolverError: there is none; says which there are.
        """
        for solver in self.solvers:
            if solver.answers_to(name):
                return solver
        raise SolverError(f"no solver {name!r} in {self.describe()}{_advice(name)}")

    def driver(self) -> minizinc.Driver:
        """Return a minizinc-python driver over this toolchain."""
        with warnings.catch_warnings():
            # It looks for a driver of its own when it is imported, and warns where there is none.
            warnings.simplefilter("ignore", RuntimeWarning)
            import minizinc

        return minizinc.Driver(self.command)

    def describe(self) -> str:
        """Return kind, version and solvers in a few words."""
        names = ", ".join(f"{solver.name} {solver.version}" for solver in self.solvers) or "no solvers"
        return f"the {self.kind} MiniZinc {self.version} ({names})"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a MiniZinc could be: what was found there, or why it is refused.

    Args:
        origin: where it was looked for.
        command: the executable found there, if any.
        toolchain: what it offers, unless refused.
        refusal: why it is not used, in one line; empty if it can be.
    """

    origin: str
    command: Path | None
    toolchain: Toolchain | None
    refusal: str = ""


def discover(environment: Mapping[str, str] | None = None) -> Iterator[Candidate]:
    """Yield every place in the order of preference; a place is looked at when it is asked for."""
    environment = os.environ if environment is None else environment
    named = environment.get(ENVIRONMENT)
    if named:
        yield _native(f"${ENVIRONMENT}", shutil.which(named, path=environment.get("PATH")), missing=named)
    on_path = shutil.which("minizinc", path=environment.get("PATH"))
    if on_path is None or not named or Path(on_path).resolve() != Path(named).resolve():
        yield _native("PATH", on_path, missing="minizinc")
    yield _embedded()


def is_found(solver: str) -> bool:
    """Whether a MiniZinc that works has a solver."""
    try:
        find_toolchain(solver)
    except SolverError:
        return False
    return True


def find_toolchain(solver: str | None = None, prefer: Kind | None = None) -> Toolchain:
    """Return the first toolchain that works and has the solver asked for.

    Args:
        solver: id, tag or name; None for any.
        prefer: consider this kind only.

    Raises:
        SolverError: nothing suits; says what was found and why it does not, or that what CHIPZINC_MINIZINC names
            does not work, since passing over it silently would hide a mistake.
    """
    found = []
    for candidate in discover():
        toolchain = candidate.toolchain
        if prefer == "native" and candidate.origin == "embedded":
            continue
        if prefer == "embedded" and candidate.origin != "embedded":
            continue
        if toolchain is not None and (solver is None or toolchain.has(solver)):
            return toolchain
        if toolchain is None and candidate.origin == f"${ENVIRONMENT}":
            raise SolverError(f"{candidate.origin}: {candidate.refusal}")
        found.append(f"{candidate.origin}: {candidate.refusal or f'no {solver} in ' + _words(toolchain)}")
    raise SolverError(f"no MiniZinc with {solver or 'a solver'}: {'; '.join(found)}{_advice(solver)}")


def _advice(solver: str | None) -> str:
    """Return what brings a solver that is missing, where that is known."""
    return "; pip install 'chipzinc[cpsat]' brings it" if solver and CP_SAT.answers_to(solver) else ""


def _words(toolchain: Toolchain | None) -> str:
    return "" if toolchain is None else toolchain.describe()


def _native(origin: str, command: str | None, missing: str) -> Candidate:
    if command is None:
        return Candidate(origin, None, None, f"no executable {missing}")
    path = Path(command).absolute()
    try:
        version = _version(_ask(path, "--version"))
        if version < OLDEST:
            numbers = [".".join(map(str, each)) for each in (version, OLDEST)]
            return Candidate(origin, path, None, f"{path} is MiniZinc {numbers[0]}; at least {numbers[1]} is needed")
        solvers = read_solvers(json.loads(_ask(path, "--solvers-json")))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return Candidate(origin, path, None, f"{path} does not answer as MiniZinc does: {_one_line(error)}")
    return Candidate(origin, path, Toolchain("native", path, ".".join(map(str, version)), _with_cp_sat(solvers)))


def _embedded() -> Candidate:
    try:
        place = embedded.locate()
    except SolverError as error:
        return Candidate("embedded", None, None, str(error))
    version = ".".join(map(str, _version(place.version)))
    solvers = _with_cp_sat(read_solvers(place.solvers))
    return Candidate("embedded", place.command, Toolchain("embedded", place.command, version, solvers))


def _with_cp_sat(solvers: tuple[Solver, ...]) -> tuple[Solver, ...]:
    """Return the solvers of a MiniZinc, with the wheel's CP-SAT where it is installed and none of them is one."""
    if any(solver.answers_to("cp-sat") or "ortools" in solver.id for solver in solvers):
        return solvers
    try:
        return (*solvers, replace(CP_SAT, version=metadata.version("ortools")))
    except metadata.PackageNotFoundError:
        return solvers


def _ask(path: Path, question: str) -> str:
    done = subprocess.run(
        [str(path), question], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ANSWER_S, check=True
    )
    return done.stdout


def _version(said: str) -> tuple[int, ...]:
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", said)
    if found is None:
        raise ValueError(f"no version in {said[:80]!r}")
    return tuple(int(number) for number in found.groups())


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def read_solvers(listed: Sequence[Mapping[str, Any]]) -> tuple[Solver, ...]:
    """Return the solvers of a ``--solvers-json`` answer that can run here.

    Left out are those that open a window, and those that MiniZinc only has an interface for: without their library
    they have no version, and without their executable they fail when started.
    """
    return tuple(
        Solver(
            id=str(each["id"]),
            name=str(each["name"]),
            version=str(each["version"]),
            tags=tuple(str(tag).lower() for tag in each.get("tags", ())),
            std_flags=frozenset(each.get("stdFlags", ())),
            extra_flags=tuple(str(flag[0]) for flag in each.get("extraFlags", ())),
            executable=_executable(each),
        )
        for each in listed
        if not each.get("isGUIApplication") and _runs(each)
    )


def _runs(listed: Mapping[str, Any]) -> bool:
    executable = _named(listed)
    if executable:
        return shutil.which(executable[0] if isinstance(executable, list) else executable) is not None
    return bool(listed["version"] != "<unknown version>")


def _named(listed: Mapping[str, Any]) -> str | list[str] | None:
    executable: str | list[str] | None = listed.get("extraInfo", {}).get("executable") or listed.get("executable")
    return executable


def _executable(listed: Mapping[str, Any]) -> Path | None:
    """Return the program of a solver that can be given FlatZinc without MiniZinc between."""
    named = _named(listed)
    plain = listed.get("supportsFzn", True) and not listed.get("supportsMzn") and not listed.get("requiredFlags")
    found = shutil.which(named) if plain and isinstance(named, str) else None
    return Path(found) if found else None
