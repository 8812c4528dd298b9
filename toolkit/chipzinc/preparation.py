"""`prepare()`: once after installing, the embedded MiniZinc does some of its work, so that it is fast from then on.

WebAssembly is compiled anew in each process; what a typical run needs of it is compiled here and kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chipzinc.baselines.driver import Corrector, Proposal
from chipzinc.errors import ChipzincError
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

    Does nothing where it was done before. Code that the next process cannot use is removed again.

    Args:
        progress: called with what is being done.

    Returns:
        Whether there is kept code now.
    """
    place, toolchain = embedded.locate(), find_toolchain(prefer="embedded")
    if place.compiled.exists():
        return True
    progress("preparing MiniZinc, once")
    pool = Pool(place)
    try:
        with Session(toolchain, backend=MiniZincBackend(toolchain, pool)) as session:
            _work(session, ("chuffed", "gecode"))
            pool.keep_compiled()
        with Session(toolchain, backend=MiniZincBackend(toolchain, Pool(place))) as session:
            _work(session, ("chuffed",))
    except ChipzincError:
        place.compiled.unlink(missing_ok=True)
        return False
    return True


def _work(session: Session, solvers: tuple[str, ...]) -> None:
    """Corrects a batch of hints with each solver, and verifies what came of it."""
    graph, package = load_zoo_graph(GRAPH), load_spec(PACKAGE)
    for solver in solvers:
        corrector = Corrector(graph, package, session, solver)
        hints = Noisy().rankings(corrector.context, SAMPLES, np.random.default_rng(0))
        corrected = corrector(Proposal("fix", hints), LIMIT_S)
        found = corrected.group_chip[np.isfinite(corrected.interval_us)]
        verify(session, graph, package, selected_rules(package), corrector.coarsening.expand(found[:1]), solver=solver)
