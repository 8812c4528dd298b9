"""`--hints policy`: a trained policy as a source of hints, as it is or fine-tuned on the graph at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chipzinc.cli.inputs import Inputs
from chipzinc.cli.output import Progress
from chipzinc.errors import InputError, NoAnswerError

if TYPE_CHECKING:
    from chipzinc.hints.sources import HintSource
    from chipzinc.throughput.evaluator import Evaluator

POLICY = "policy"

Policy = Annotated[
    str | None,
    typer.Option("--policy", metavar="POLICY", help="With --hints policy: a checkpoint's folder, or a shipped one."),
]
Finetune = Annotated[
    int | None,
    typer.Option("--finetune", min=1, metavar="N", help="With --hints policy: learn from N corrections first."),
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
    progress: Progress,
) -> HintSource:
    """A policy's draws, or the best partition that fine-tuning it found.

    Raises:
        InputError: if torch is missing, or there is no such policy.
        NoAnswerError: if fine-tuning found nothing that holds.
    """
    try:
        import chipzinc.policy.network  # noqa: F401
    except ImportError as error:
        raise InputError(f"the policy needs the extra 'policy': {error}", field="--hints") from None
    import numpy as np

    from chipzinc.baselines.driver import Budget, Corrector
    from chipzinc.hints.sources import Given, start_hint
    from chipzinc.policy.checkpoint import SHIPPED, load_policy
    from chipzinc.policy.device import prepare
    from chipzinc.policy.source import PolicyHints
    from chipzinc.policy.tune import tune
    from chipzinc.solve import Session

    prepare()
    network = load_policy(policy or SHIPPED)
    if finetune is None:
        return PolicyHints(network)
    with Session(solver=solver) as session:
        corrector = Corrector(inputs.graph, inputs.package, session, solver, judge)
        first = np.stack([start_hint(corrector.context, start) for start in ("slice", "greedy")])
        found = tune(network, corrector, Budget(finetune), first=first, seed=seed, progress=progress)
    if found.chips is None:
        raise NoAnswerError("none of the hints was corrected in time: try another --solver")
    return Given(found.chips)
