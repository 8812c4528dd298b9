"""`--hints policy`: a trained policy as a source of hints, as it is or fine-tuned on the graph at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chipzinc.cli.inputs import Inputs
from chipzinc.cli.output import Progress
from chipzinc.errors import InfeasibleError, InputError, NoAnswerError

if TYPE_CHECKING:
    from chipzinc.baselines.driver import Trajectory
    from chipzinc.compare.case import Case
    from chipzinc.graph.opgraph import IntArray
    from chipzinc.hints.sources import HintSource
    from chipzinc.policy.network import PolicyNetwork
    from chipzinc.throughput.evaluator import Evaluator

POLICY = "policy"

Policy = Annotated[
    str | None,
    typer.Option("--policy", metavar="POLICY", help="With --hints policy: a checkpoint's folder, or a shipped one."),
]
Finetune = Annotated[
    int | None,
    typer.Option(
        "--finetune",
        min=1,
        metavar="N",
        help="With --hints policy: look 8 s for a start and learn from N corrections, before the time limit counts.",
    ),
]


def check_policy_options(hints: str, policy: str | None, finetune: int | None) -> None:
    """Refuses options of the policy beside other hints.

    Raises:
        InputError: if there are any.
    """
    for name, given in (("--policy", policy), ("--finetune", finetune)):
        if given is not None and hints != POLICY:
            raise InputError(f"goes with --hints {POLICY}, not with --hints {hints}", field=name)


def policy_source(
    inputs: Inputs,
    policy: str | None,
    finetune: int | None,
    *,
    solver: str,
    seed: int,
    judge: Evaluator | None,
    counted: bool,
    progress: Progress,
) -> tuple[HintSource, bool]:
    """A policy's draws, or the best partition that fine-tuning it found, and whether Ctrl-C ended that.

    Args:
        inputs: graph and package.
        policy: a checkpoint's folder, or a shipped one; None for the one that is taken unless told otherwise.
        finetune: corrections to learn from; None: the policy's draws.
        solver: the solver that corrects.
        seed: of the draws.
        judge: scores what is corrected; None for the throughput model.
        counted: whether the same seed is to give the same result; fine-tuning then begins at slice's quick hint.
        progress: told what is being done.

    Raises:
        InfeasibleError: if the rules leave no partition.
        InputError: if torch is missing, or there is no such policy.
        NoAnswerError: if fine-tuning found nothing that holds.
        KeyboardInterrupt: if Ctrl-C ended it before it had where to begin.
    """
    try:
        import chipzinc.policy.network  # noqa: F401
    except ImportError as error:
        raise InputError(f"the policy needs the extra 'policy': {error}", field="--hints") from None
    from chipzinc.compare.case import Case
    from chipzinc.hints.sources import Given
    from chipzinc.policy.checkpoint import SHIPPED, load_policy
    from chipzinc.policy.device import prepare
    from chipzinc.policy.source import PolicyHints
    from chipzinc.solve import Session

    prepare()
    network = load_policy(policy or SHIPPED)
    if finetune is None:
        return PolicyHints(network), False
    with Session(solver=solver) as session:
        case = Case(inputs.graph, inputs.package, session, solver, progress, judge)
        try:
            found, begun = _tuned(network, case, finetune, seed, counted=counted, coarse=True)
        except InfeasibleError:
            progress("no partition of the groups holds; trying the ops themselves")
            found, begun = _tuned(network, case, finetune, seed, counted=counted, coarse=False)
    if found.chips is None and found.interrupted:
        return Given(begun), True
    if found.chips is None:
        raise NoAnswerError("none of the hints was corrected in time: try another --solver")
    return Given(found.chips), found.interrupted


def _tuned(
    network: PolicyNetwork, case: Case, corrections: int, seed: int, *, counted: bool, coarse: bool
) -> tuple[Trajectory, IntArray]:
    """Learns from some corrections; also tells the partition that it begins at, shape [op].

    It begins at what slice finds in some seconds, and tries the hints of slice and greedy over the same groups too: a
    judge of one's own may prefer another than the throughput model does.
    """
    import numpy as np

    from chipzinc.baselines.driver import Budget
    from chipzinc.compare.beginnings import LEAD_S, begin_at
    from chipzinc.hints.sources import STARTS, start_hint
    from chipzinc.policy.tune import tune

    budget = Budget(corrections)
    case.progress("looking for a pipeline to start from")
    corrector, begun = begin_at(case, "slice" if counted else "long-slice", LEAD_S, budget, seed, coarse=coarse)
    hints = [start_hint(corrector.context, start) for start in STARTS]
    first = np.stack([begun, *(hint for hint in hints if not np.array_equal(hint, begun))])
    found = tune(network, corrector, budget, first=first, seed=seed, progress=case.progress)
    return found, corrector.coarsening.expand(begun)
