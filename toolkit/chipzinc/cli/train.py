"""`chipzinc train`: a policy from the zoo's training graphs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.failures import INTERRUPTED
from chipzinc.cli.output import Progress, print_json
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.policy.train import TrainConfig

FIELDS = ("run", "updates", "samples", "seconds", "samples_per_s", "validation")

Run = Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="The run's folder.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in this folder, with its settings.")]
Graphs = Annotated[
    list[str] | None, typer.Option("--graph", metavar="GRAPH", help="A training graph; may be repeated. All if silent.")
]
Begin = Annotated[
    str, typer.Option("--begin", metavar="POLICY", help="A checkpoint's folder, or a shipped policy, to begin with.")
]
Start = Annotated[
    str, typer.Option("--start", metavar="HINT", help="Whose hint the policy's first pass refines: greedy or slice.")
]
Variations = Annotated[
    int, typer.Option("--variations", min=0, help="Altered graphs, on packages drawn at random, for each graph.")
]
Renamed = Annotated[
    float, typer.Option("--renamed", min=0, max=1, help="Share of these whose families of kinds change their names.")
]
Imitation = Annotated[int, typer.Option("--imitation", min=0, help="Steps of imitating the best partitions known.")]
Updates = Annotated[int | None, typer.Option("--updates", min=0, help="Updates of PPO, all in all.")]
Batch = Annotated[int, typer.Option("--batch", min=2, help="Hints corrected together.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Batches being corrected at a time.")]
Mode = Annotated[str, typer.Option("--mode", metavar="MODE", help="How hints are corrected: fix or sample.")]
TeacherTime = Annotated[str, typer.Option("--teach", metavar="TIME", help="Longest time to look for each partition.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything.")]
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="Where the network learns: cpu or cuda.")]


def train_policy(
    output: Run,
    resume: Resume = False,
    graph: Graphs = None,
    begin: Begin = "",
    start: Start = "greedy",
    variations: Variations = 12,
    renamed: Renamed = 0.0,
    imitation: Imitation = 25_000,
    updates: Updates = None,
    batch: Batch = 32,
    workers: Workers = 2,
    mode: Mode = "fix",
    solver: options.Solver = "chuffed",
    teach_time: TeacherTime = "0.3s",
    seed: Seed = 0,
    device: Device = "cpu",
    as_json: options.Json = False,
) -> int:
    """Train a policy on the zoo's training graphs: imitation, then PPO with the solver in the loop."""
    from chipzinc.cli.inputs import parse_time_limit
    from chipzinc.hints.sources import STARTS
    from chipzinc.policy.checkpoint import policy_dir
    from chipzinc.policy.device import prepare
    from chipzinc.policy.network import NetworkConfig
    from chipzinc.policy.train import TrainConfig

    if mode not in ("fix", "sample"):
        raise InputError(f"expected fix or sample, got {mode!r}", field="--mode")
    if start not in STARTS:
        raise InputError(f"expected {' or '.join(STARTS)}, got {start!r}", field="--start")
    if begin:
        policy_dir(begin)
    prepare(device)
    config = TrainConfig(
        seed=seed,
        graphs=tuple(graph or ()),
        begin=begin,
        network=NetworkConfig(start=start),
        variations=variations,
        renamed=renamed,
        imitation_steps=imitation,
        batch=batch,
        ahead=workers,
        mode="fix" if mode == "fix" else "sample",
        solver=solver,
        teach_s=parse_time_limit(teach_time, "--teach"),
    )
    config = _settled(output, config, updates, resume=resume)
    status = _trained(output, config, resume, device)
    return _told(output, status, as_json)


def _settled(output: Path, asked: TrainConfig, updates: int | None, *, resume: bool) -> TrainConfig:
    """How to train: as asked, or as the run that goes on was told to.

    Raises:
        InputError: if there is no run to go on with, it was told otherwise, or the folder of a new one is not empty.
    """
    from dataclasses import replace

    from chipzinc.policy.runs import run_config
    from chipzinc.policy.train import STATE, TrainConfig

    config = asked
    if resume:
        if not (output / STATE).is_file():
            raise InputError("there is no run to resume", file=output / STATE)
        config = run_config(output)
        if asked not in (TrainConfig(updates=asked.updates), replace(config, updates=asked.updates)):
            raise InputError("the run has settings of its own: give --updates and --device alone", field="--resume")
    elif output.exists() and any(output.iterdir()):
        raise InputError(f"'{output}' is not empty: give another folder, or --resume", field="--output")
    return config if updates is None else replace(config, updates=updates)


def _trained(output: Path, config: TrainConfig, resume: bool, device: str) -> int:
    """Trains; the exit code, if Ctrl-C left a run."""
    from chipzinc.policy.runs import has_run

    with Progress() as progress:
        try:
            _run(output, config, resume, device, progress)
        except KeyboardInterrupt:
            if not has_run(output):
                raise
            return INTERRUPTED
    return 0


def _told(output: Path, status: int, as_json: bool) -> int:
    """Prints how far the run has come."""
    from chipzinc.policy.runs import run_facts

    facts = run_facts(output)
    answer: dict[str, Any] = {"run": str(output)} | {name: facts.get(name) for name in FIELDS[1:]}
    if as_json:
        print_json(answer)
    else:
        print(f"{facts['updates']} updates, {facts['samples']} samples, {facts['seconds']:.0f} s: policy in {output}")
    return status


def _run(directory: Path, config: TrainConfig, resume: bool, device: str, progress: Progress) -> None:
    from chipzinc.policy.archive import Archive
    from chipzinc.policy.curriculum import training_instances, validation_instances
    from chipzinc.policy.teachers import teach
    from chipzinc.policy.train import TEACHERS, Training
    from chipzinc.solve.toolchain import find_toolchain

    find_toolchain(config.solver)
    progress("reading the training graphs")
    instances = list(training_instances(config.seed, config.variations, config.graphs or None, config.renamed))
    validation = list(validation_instances())
    directory.mkdir(parents=True, exist_ok=True)
    training = Training(directory, config, instances, validation, Archive(), device=device, progress=progress)
    if resume:
        training.resume()
    else:
        training.save()  # what the teachers find from here on is not lost
    teach(
        instances,
        slice_s=config.teach_s,
        archive=training.archive,
        file=directory / TEACHERS,
        progress=progress,
    )
    training.run()
