"""`Shifts`: partitions whose items are shifted by annealing, mostly single ops, now and then groups.

Beside solvers, which look at all of a small neighbourhood: where rules tie many chips together, none of these may hold
anything better. What is found here has to be checked by the rules like everything else.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from chipzinc.graph.coarsen import Coarsening, refine
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.ideals.pipelines import Ordered

KNOWN_RULES = frozenset(
    (
        "acyclic_dataflow",
        "no_skipped_chips",
        "triangle_dependency",
        "memory_capacity",
        "supported_kinds",
        "pinned",
        "colocated",
    )
)
"""Hard rules that a shifted pipeline keeps; where others are selected, nothing is shifted."""

_TURNS: tuple[tuple[bool, float, dict[str, float]], ...] = (
    (False, 1.7, {"price": 0.15, "sets": 0.3, "ladders": 0.3, "wish": 0.8}),
    (False, 1.0, {"price": 0.05, "sets": 0.3, "ladders": 0.3, "wish": 0.8}),
    (False, 0.6, {"price": 0.1, "sets": 0.1, "ladders": 0.6, "wish": 0.9}),
    (False, 1.7, {"price": 0.15, "sets": 0.3, "ladders": 0.6, "wish": 0.9}),
    (False, 1.0, {"price": 0.15, "sets": 0.1, "ladders": 0.0, "wish": 0.9}),
    (False, 1.0, {"price": 0.1, "sets": 0.3, "ladders": 0.0, "wish": 0.8}),
    (True, 1.0, {"price": 0.15, "sets": 0.1, "ladders": 0.0, "wish": 0.9}),
    (False, 0.6, {"price": 0.05, "sets": 0.3, "ladders": 0.3, "wish": 0.7}),
    (False, 1.0, {"price": 0.02, "sets": 0.1, "ladders": 0.3, "wish": 0.9}),
)
"""Whether groups move, how hot it is, and in which manner.

Chosen of many by what they find in 8 s on nine RNNs, NAS cells and random wirings of the zoo. No one is the best on
all: low prices are on deep-speech-2 and bigru-tagger, and lead nowhere on gnmt; lstm-stacked wants single items or
sets without ladders.
"""

_MANY_OPS = 6_000  # so many hardly move one by one in a while, so that groups come first
_GROUPED = next(turn for turn, (grouped, _, _) in enumerate(_TURNS) if grouped)


def may_shift(package: Package) -> bool:
    """Whether the package is one for `shift`."""
    rules = {rule.name for rule in package.rules if rule.soft_weight is None}
    return "acyclic_dataflow" in rules and rules <= KNOWN_RULES and package.communication != "host"


class Shifts:
    """Shifts the items of partitions.

    Args:
        graph: the graph.
        package: a package that one `may_shift`.
        coarsening: groups, which move together in some searches.
    """

    def __init__(self, graph: OpGraph, package: Package, coarsening: Coarsening) -> None:
        self.graph, self.package, self.coarsening = graph, package, coarsening

    def each(
        self, starts: Sequence[IntArray], seconds: float, seed: int, turns: range, moves: int | None = None
    ) -> list[IntArray | None]:
        """What the searches of some turns find from a start each; they run side by side. See `find`."""
        stop = threading.Event()

        def search(chips: IntArray, turn: int) -> IntArray | None:
            return self.find(chips, seconds, seed + turn, turn, moves, stop.is_set)

        with ThreadPoolExecutor(len(turns)) as pool:
            try:
                return list(pool.map(search, starts, turns))
            finally:
                stop.set()  # Ctrl-C waits for none of them

    def find(
        self,
        chips: IntArray,
        seconds: float,
        seed: int,
        turn: int = 0,
        moves: int | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> IntArray | None:
        """A shorter partition, chip of each op, shape [op]; None if none is found.

        Args:
            chips: where to start, shape [op].
            seconds: time to spend; while the search is still being compiled, which a machine does once, in waiting.
            seed: of the draws.
            turn: number of the search, by which searches differ in what moves and how hot it is.
            moves: most moves to try; None: as many as there is time for.
            stopped: tells whether to end before that.
        """
        begin = time.monotonic()
        if not _compiling().wait(min(seconds, threading.TIMEOUT_MAX)):
            return None
        from chipzinc.hints.shifting.annealing import HEAT, Manner, shift

        grouped, hot, manner = _TURNS[(turn + _GROUPED * (self.graph.n_ops > _MANY_OPS)) % len(_TURNS)]
        groups = refine(self.graph, self.coarsening, partition=chips).group_of if grouped else None
        ordered = Ordered.of(self.graph, self.package, group_of=groups)
        heat = (HEAT[0] * hot, HEAT[1])
        left = seconds - (time.monotonic() - begin)
        found = shift(
            ordered,
            ordered.restrict(chips),
            left,
            seed=seed,
            moves=moves,
            heat=heat,
            manner=Manner(**manner),
            stopped=stopped,
        )
        return None if found is None else ordered.chips(found)


@cache
def _compiling() -> threading.Event:
    """Begins to read the code of the search; a process compiles it before where it is not kept. Set when done.

    That process goes on when this one ends, so that the next one finds the code.
    """
    done = threading.Event()

    def work() -> None:
        if not search_is_kept():
            command = f"from {__name__} import compile_search; compile_search()"
            quiet = subprocess.DEVNULL
            subprocess.Popen(
                [sys.executable, "-c", command], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
            ).wait()
        with contextlib.suppress(Exception):  # who shifts then meets it again
            compile_search()
        done.set()

    threading.Thread(target=work, name="chipzinc-compiling", daemon=True).start()
    return done


def search_is_kept() -> bool:
    """Whether the machine has compiled the search before."""
    from chipzinc.compiled import is_kept
    from chipzinc.hints import shifting

    return is_kept(shifting)


def compile_search() -> None:
    """Has the search as machine code, which takes half a minute where the machine has not compiled it before."""
    from chipzinc.hints.shifting.annealing import shift

    ordered = Ordered.of(load_zoo_graph("lenet5"), load_spec("mcm16-ring"))
    shift(ordered, np.zeros(ordered.items.n_items, dtype=np.int64), np.inf, moves=1)
