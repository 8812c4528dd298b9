"""`prepare()`: once after installing, the embedded MiniZinc does some of its work, so that it is fast from then on.

WebAssembly is compiled anew in each process; what a typical run needs of it is compiled here and kept on disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

import numpy as np

from chipzinc.baselines.driver import Corrector, Proposal
from chipzinc.errors import ChipzincError, NoAnswerError
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import Noisy
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session, embedded
from chipzinc.solve.minizinc_backend import MiniZincBackend
from chipzinc.solve.pool import Pool
from chipzinc.solve.toolchain import find_toolchain
from chipzinc.verify import verify

GRAPH, PACKAGE, SAMPLES, LIMIT_S = "bert-base", "mcm36-ring", 20, 60.0


def prepare(progress: Callable[[str], None] = lambda step: None) -> bool:
    """Has the embedded MiniZinc correct and verify a graph of the zoo, and keeps what was compiled for that.

    Does nothing where it was done before. Code gets the name under which others look for it only once a process has
    worked with it: V8 ends a process that it finds wrong code in.

    Args:
        progress: called with what is being done.

    Returns:
        Whether there is kept code now.

    Raises:
        SolverError: the embedded MiniZinc is not installed, or Node.js does not start.
    """
    toolchain = find_toolchain(prefer="embedded")
    place = embedded.locate()
    kept = place.compiled
    if kept.exists():
        return True
    progress("preparing MiniZinc, once")
    untried = kept.with_suffix(f".{os.getpid()}")
    try:
        pool = Pool(place)
        with Session(toolchain, backend=MiniZincBackend(toolchain, pool)) as session:
            _work(session, ("chuffed", "gecode"))
            pool.keep_compiled(untried)
        with Session(toolchain, backend=MiniZincBackend(toolchain, Pool(place, code=untried))) as session:
            _work(session, ("chuffed",))
        untried.replace(kept)
    except (ChipzincError, OSError):
        return False
    finally:
        with contextlib.suppress(OSError):
            untried.unlink(missing_ok=True)
    return True


def _work(session: Session, solvers: tuple[str, ...]) -> None:
    """Corrects a batch of hints with each solver, and verifies what came of it."""
    graph, package = load_zoo_graph(GRAPH), load_spec(PACKAGE)
    for solver in solvers:
        corrector = Corrector(graph, package, session, solver)
        hints = Noisy().rankings(corrector.context, SAMPLES, np.random.default_rng(0))
        corrected = corrector(Proposal("fix", hints), LIMIT_S)
        if corrected.interrupted:
            raise KeyboardInterrupt
        found = corrected.group_chip[np.isfinite(corrected.interval_us)]
        if not len(found):
            raise NoAnswerError(f"{solver} corrected nothing in {LIMIT_S:g} s")
        verify(session, graph, package, selected_rules(package), corrector.coarsening.expand(found[:1]), solver=solver)
