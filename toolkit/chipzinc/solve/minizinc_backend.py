"""Answers solve requests through any MiniZinc: builds its command line, reads its stream, holds it to the time limit.

Must not know whether MiniZinc runs as a process of its own or inside a warm engine.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from chipzinc.errors import SolverError
from chipzinc.solve.backend import Driver, Exit, Held, Run
from chipzinc.solve.flatzinc import FlatZincReader, Restored
from chipzinc.solve.request import (
    CONCLUSIVE,
    Event,
    FlatModel,
    Solution,
    SolveRequest,
    Source,
    Statistics,
    Status,
    Text,
)
from chipzinc.solve.stream import TIME_OUT, read_line
from chipzinc.solve.toolchain import Solver, Toolchain

#: MiniZinc is asked to stop at the limit, so that it can still say its bound; past this grace it is ended.
_GRACE_S = 1.0

#: Time that a solver is given at least, however long compiling took.
_LEAST_S = 0.001

_FLAT, _OUTPUT = "flat.fzn", "flat.ozn"
_TWO_PASSES = ("-O2",)  # of the compiler

#: Turns a line and its time into an event, a status word, or nothing.
_Reader: TypeAlias = Callable[[str, float], Event | str | None]


class MiniZincBackend:
    """A `Backend` that runs one toolchain through one driver.

    Args:
        toolchain: what to run.
        driver: runs MiniZinc.
        programs: runs solvers that are programs of their own; ``driver`` without.
    """

    def __init__(self, toolchain: Toolchain, driver: Driver, programs: Driver | None = None) -> None:
        self.toolchain = toolchain
        self._driver = driver
        self._programs = programs or driver

    def close(self) -> None:
        """End every run."""
        self._driver.close()
        self._programs.close()

    def solve(self, request: SolveRequest) -> Iterator[Event]:
        """Yield the events of a run, `Status` last; see `Backend.solve`."""
        begin = time.monotonic()
        solver = self.toolchain.solver(request.solver)
        if request.flat is not None and request.flat.solver != solver.id:
            raise SolverError(f"the flat model was compiled for {request.flat.solver}, not for {solver.id}")
        asked, output = request, ""
        if solver.library and request.flat is None:
            asked, output = self._compiled(request, solver, begin)
        run, reader = self._start(asked, solver)
        if output:
            reader = Restored(reader, output).read
        try:
            yield from _events(_Stream(run, reader, begin, request))
        finally:
            run.kill()

    def _compiled(self, request: SolveRequest, solver: Solver, begin: float) -> tuple[SolveRequest, str]:
        """Return a request with its models compiled, for a solver that MiniZinc cannot start, and its output model."""
        flat, output = self._compile(request, solver, begin, with_output=True)
        limit = request.time_limit_s
        left = None if limit is None else max(limit - (time.monotonic() - begin), _LEAST_S)
        flags = ("--objective",)
        return replace(request, models=(), data=(), flat=flat, time_limit_s=left, extra_flags=flags), output

    def _start(self, request: SolveRequest, solver: Solver) -> tuple[Run, _Reader]:
        """Start a solving run, with the function that reads its lines."""
        words, texts = _inputs(request)
        if request.flat is not None and solver.executable is not None:
            # MiniZinc would only read the flat model and print it again; on megabytes of it that takes a while.
            flags = _flatzinc_flags(request, solver)
            words = [*solver.arguments, *flags, *request.extra_flags, *words]
            run = self._programs.start(words, texts, program=solver.executable)
            return run, FlatZincReader(request.flat).read
        flags = [*_basics(request, solver), *_solve_flags(request, solver), *request.extra_flags]
        run = self._driver.start(["--json-stream", *flags, *words], texts)
        return run, partial(read_line, folder=run.folder)

    def flatten(self, request: SolveRequest) -> FlatModel:
        """Compile a request's models; see `Backend.flatten`."""
        return self._compile(request, self.toolchain.solver(request.solver), time.monotonic())[0]

    def _compile(
        self, request: SolveRequest, solver: Solver, begin: float, *, with_output: bool = False
    ) -> tuple[FlatModel, str]:
        """Return a compiled model, and the model of its output if that is wanted.

        Where the compiler crashes it is asked once more, by another way: MiniZinc 2.9.2 fails an assertion of its own
        on some models, unless it compiles them in two passes.
        """
        try:
            return self._compile_once(request, solver, begin, with_output=with_output)
        except _Crash:
            again = replace(request, extra_flags=(*request.extra_flags, *_TWO_PASSES))
            return self._compile_once(again, solver, begin, with_output=with_output)

    def _compile_once(
        self, request: SolveRequest, solver: Solver, begin: float, *, with_output: bool
    ) -> tuple[FlatModel, str]:
        words, texts = _inputs(request)
        written = ["--ozn", Held(_OUTPUT)] if with_output else ["--no-output-ozn"]
        options: list[str | Held] = ["--compile", "--output-mode", "json", *written, "--fzn", Held(_FLAT)]
        basics = _basics(request, solver)
        files = (_FLAT, _OUTPUT) if with_output else (_FLAT,)
        run = self._driver.start(["--json-stream", *basics, *options, *request.extra_flags, *words], texts, files)
        try:
            stream = _Stream(run, partial(read_line, folder=run.folder), begin, request)
            for _ in stream:
                pass
            outputs = (stream.exit.outputs or {}) if stream.exit else {}
        finally:
            run.kill()
        text = outputs.get(_FLAT)
        if not text:
            why = (
                f"within the {request.time_limit_s:.3g} s that were left" if stream.timed_out else "and gave no reason"
            )
            raise SolverError(f"MiniZinc did not compile the model {why}")
        return FlatModel.parse(solver.id, text), outputs.get(_OUTPUT) or ""


class _Crash(SolverError):
    """MiniZinc broke off by a fault of its own."""


def _inputs(request: SolveRequest) -> tuple[list[str | Held], dict[str, str]]:
    """Return the input files as words of the command line, and the texts among them."""
    if request.flat is not None:
        return [Held(_FLAT)], {_FLAT: request.flat.text}
    sources: Sequence[Source] = (*request.models, *request.data)
    texts = {source.name: source.text for source in sources if isinstance(source, Text)}
    return [Held(source.name) if isinstance(source, Text) else str(source.resolve()) for source in sources], texts


def _basics(request: SolveRequest, solver: Solver) -> list[str]:
    words = ["--solver", solver.library or solver.id]
    for folder in request.include_dirs:
        words += ["-I", str(folder.resolve())]
    if request.time_limit_s is not None:
        words += ["--time-limit", str(math.ceil(request.time_limit_s * 1000))]
    return words


def _solve_flags(request: SolveRequest, solver: Solver) -> list[str]:
    """Return the options of a solving run, without those that the solver would refuse."""
    known = solver.std_flags
    words = ["--output-mode", "json"]
    if request.flat is None:
        words.append("--output-objective")
    # of a flat model MiniZinc cannot tell that improvements are wanted, so it is asked for all there is
    improving = request.flat is not None and request.intermediate and not request.flat.is_satisfaction
    if (request.all_solutions or improving) and "-a" in known:
        words.append("--all-solutions")
    elif request.solutions is not None and "-n" in known:
        words += ["--num-solutions", str(request.solutions)]
    elif request.intermediate and known & {"-i", "-a"}:
        words.append("--intermediate")
    if request.free_search and "-f" in known:
        words.append("--free-search")
    if request.random_seed is not None and "-r" in known:
        words += ["--random-seed", str(request.random_seed)]
    if request.processes is not None and "-p" in known:
        words += ["-p", str(request.processes)]
    if request.statistics and "-s" in known:
        words.append("--solver-statistics")
    return words


def _flatzinc_flags(request: SolveRequest, solver: Solver) -> list[str]:
    """Return the options of a solver's own program: the standard flags that it knows."""
    assert request.flat is not None
    wanted = {
        "-a": request.all_solutions or (request.intermediate and not request.flat.is_satisfaction),
        "-n": request.solutions,
        "-f": request.free_search,
        "-p": request.processes,
        "-r": request.random_seed,
        "-s": request.statistics,
        "-t": None if request.time_limit_s is None else math.ceil(request.time_limit_s * 1000),
    }
    if wanted["-a"]:
        del wanted["-n"]
    known = {flag: value for flag, value in wanted.items() if flag in solver.std_flags and value not in (None, False)}
    return [word for flag, value in known.items() for word in ([flag] if value is True else [flag, str(value)])]


class _Stream:
    """The events of a run up to its end, its status words and counters kept."""

    def __init__(self, run: Run, reader: _Reader, begin: float, request: SolveRequest) -> None:
        self._run, self._reader, self._begin = run, reader, begin
        self.limit_s, self._patience_s = request.time_limit_s, request.patience_s
        self._warm_up_s = request.warm_up_s
        self._last_solution_s = 0.0
        self.exit: Exit | None = None
        self.status = ""
        self.solutions = 0
        self.timed_out = False
        self.statistics: dict[str, float | str] = {}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def __iter__(self) -> Iterator[Event]:
        while self.exit is None:
            try:
                said = self._run.read(self._left_s())
            except TimeoutError:
                self.timed_out = True
                return
            if isinstance(said, Exit):
                self.exit = said
            else:
                yield from self._take(said)
        if self.timed_out:
            return
        if self.status == "ERROR":
            raise SolverError(f"the solver broke off: {_last_words(self.exit)}")
        if self.exit.code != 0:
            broke = -self.exit.code in (signal.SIGABRT, signal.SIGSEGV)
            raise (_Crash if broke else SolverError)(_last_words(self.exit))

    def _left_s(self) -> float | None:
        ends = [] if self.limit_s is None else [self.limit_s + _GRACE_S]
        if self._patience_s is not None:
            ends.append(self._last_solution_s + self._patience_s + (0.0 if self.solutions else self._warm_up_s))
        return max(0.0, min(ends) - self.seconds) if ends else None

    def _take(self, line: str) -> Iterator[Event]:
        event = self._reader(line, self.seconds)
        if event == TIME_OUT:
            self.timed_out = True
        elif isinstance(event, str):
            self.status = event
        elif event is not None:
            if isinstance(event, Solution):
                self.solutions += 1
                self._last_solution_s = self.seconds
            if isinstance(event, Statistics):
                self.statistics.update(event.values)
            yield event


def _events(stream: _Stream) -> Iterator[Event]:
    yield from stream
    name = stream.status or ("SATISFIED" if stream.solutions else "UNKNOWN")
    seconds = stream.seconds
    stopped = name not in CONCLUSIVE and stream.limit_s is not None and seconds >= stream.limit_s
    yield Status(name, seconds, stream.timed_out or stopped, stream.statistics)


def _last_words(end: Exit) -> str:
    """Return one line that says how a run failed: MiniZinc's own error, which its calls follow, else the last line."""
    lines = [line.strip() for line in end.words.splitlines() if line.strip()]
    lines = [line for line in lines if line.startswith("MiniZinc error:")][:1] or lines
    how = f"MiniZinc ended with signal {-end.code}" if end.code < -1 else "MiniZinc failed"
    return f"{how}: {lines[-1]}" if lines else f"{how} and said nothing"
