"""`train()`: a policy from many graphs: teachers, imitation, then PPO with the solver in the loop.

A run is a folder; whatever ends it, it goes on from its last update with the same curve. While the network learns from
one batch the solver corrects the next ones, which were drawn up to `ahead` updates before.
"""

from __future__ import annotations

import copy
import io
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch

from chipzinc.baselines.driver import Corrected
from chipzinc.baselines.driver import Proposal as Hints
from chipzinc.correct.problem import Mode
from chipzinc.errors import InfeasibleError, InputError
from chipzinc.graph.opgraph import FloatArray
from chipzinc.policy.archive import Archive
from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.checkpoint import load_policy, save_policy, write_whole
from chipzinc.policy.disturb import disturbed, windows, within
from chipzinc.policy.draws import Sampler
from chipzinc.policy.explore import Explorer, Proposal
from chipzinc.policy.instance import Instance
from chipzinc.policy.journal import Journal
from chipzinc.policy.learner import LearnConfig, Learner
from chipzinc.policy.network import NetworkConfig, PolicyNetwork, build
from chipzinc.policy.packing import packed, unpacked
from chipzinc.policy.rollout import Job, correct_batch, threads

STATE, LAST, BEST, TEACHERS = "state.pt", "last", "best", "teachers.jsonl"
_WINDOW_SHARE = 0.3  # of the steps of imitation, which move a few chips of a partition alone
_HOPELESS = 3  # batches in a row of which nothing was corrected, after which an instance is left alone


@dataclass(frozen=True)
class TrainConfig:
    """How a policy is trained.

    Attributes:
        seed: of everything.
        graphs: training graphs by name; empty for all.
        begin: a checkpoint whose weights it begins with; empty for fresh ones.
        variations: altered graphs on packages drawn at random, for each.
        renamed: share of these whose families of kinds change their names.
        teach_s: seconds of looking for a good partition of each instance.
        imitation_steps: before PPO begins.
        imitation_batch: disturbed partitions a step.
        imitation_rate: learning rate of these steps, which falls to a tenth of it.
        updates: of PPO.
        batch: hints in one of them, all of one graph.
        ahead: batches being corrected while another is learned from.
        mode: how hints are corrected.
        solver: that corrects them.
        batch_limit_s: wall-clock limit of correcting a batch.
        checkpoint_every: updates, or as many hundred steps of imitation.
        validate_every: updates between looks at the validation graphs.
        validation_samples: corrections for each of them.
        network: sizes.
        learn: PPO's and imitation's.
    """

    seed: int = 0
    graphs: tuple[str, ...] = ()
    begin: str = ""
    variations: int = 12
    renamed: float = 0.0
    teach_s: float = 0.3
    imitation_steps: int = 25_000
    imitation_batch: int = 8
    imitation_rate: float = 1e-3
    updates: int = 500
    batch: int = 32
    ahead: int = 2
    mode: Mode = "fix"
    solver: str = "chuffed"
    batch_limit_s: float = 20.0
    checkpoint_every: int = 50
    validate_every: int = 100
    validation_samples: int = 8
    network: NetworkConfig = field(default_factory=NetworkConfig)
    learn: LearnConfig = field(default_factory=LearnConfig)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TrainConfig:
        """The inverse of `as_dict`."""
        parts = {"network": NetworkConfig(**data["network"]), "learn": LearnConfig(**data["learn"])}
        return cls(**data | parts | {"graphs": tuple(data["graphs"])})


Progress = Callable[[str], None]


@dataclass(eq=False)
class _Waiting:
    """A batch that the solver has."""

    instance: Instance
    proposal: Proposal
    answer: Future[Corrected]


class Training:
    """A run.

    Args:
        directory: the run's folder.
        config: how to train.
        instances: to learn from.
        validation: to choose among checkpoints by.
        archive: the best partitions known of the instances.
        executor: runs `correct_batch`.
        device: where the network is.
        progress: called with a line now and then.
    """

    def __init__(
        self,
        directory: Path,
        config: TrainConfig,
        instances: Sequence[Instance],
        validation: Sequence[Instance],
        archive: Archive,
        *,
        executor: Executor | None = None,
        device: str = "cpu",
        progress: Progress = lambda line: None,
    ) -> None:
        if not instances:
            raise InputError("there is no graph to train on")
        self.directory, self.config, self.device, self.progress = directory, config, device, progress
        self.instances = {each.name: each for each in instances}
        self.validation, self.archive = tuple(validation), archive
        self.executor = executor or threads(config.ahead)
        self.network = _network(config)
        self.learner = Learner(self.network, config.learn, device)
        self.rng = np.random.default_rng(config.seed)
        self.step = self.update = 0
        self.samples, self.seconds, self.best = 0, 0.0, -np.inf
        self.failures = dict.fromkeys(self.instances, 0)
        self.waiting: deque[_Waiting] = deque()
        self._kept = self._state()

    def run(self) -> None:
        """Trains to the end, or to Ctrl-C; either way the run is saved as it was after its last whole update."""
        with Journal(self.directory, self.step + self.update) as journal:
            began = time.monotonic() - self.seconds
            try:
                self._imitate(journal)
                while self.update < self.config.updates:
                    self._update(journal, began)
                    self._kept = self._state()
                    if self.update % self.config.checkpoint_every == 0:
                        self.save()
            finally:
                self.save()

    def _imitate(self, journal: Journal) -> None:
        """Learns from the archive; the learning rate falls from step to step."""
        config = self.config
        taught = [each for each in self.instances.values() if self.archive.best.get(each.name)]
        losses: list[float] = []
        while taught and self.step < config.imitation_steps:
            share = self.step / config.imitation_steps
            self._set_rate(config.imitation_rate * (0.1 + 0.9 * (1 - share)))
            instance = taught[int(self.rng.integers(len(taught)))]
            known = self.archive.best[instance.name]
            target = np.tile(known[0][1], (config.imitation_batch, 1))
            candidates = disturbed(instance, target, self.rng, config.network.start)
            if self.rng.random() < 0.25:  # from where the policy itself gets to
                start = np.tile(instance.start(config.network.start), (config.imitation_batch, 1))
                drawn = Sampler(self.network, instance, self.device).draw(start, self.rng, passes=1)
                candidates = candidates_of(instance, drawn.hint)
            free = None
            if self.rng.random() < _WINDOW_SHARE:
                free = windows(target, self.rng)
                candidates = candidates_of(instance, within(free, candidates.chip, target))
                target = np.where(free, target, -1)
            losses.append(self.learner.imitate(instance, candidates, target, free))
            self.step += 1
            if self.step % 100 == 0:
                journal.write("imitation", self.step, loss=float(np.mean(losses[-100:])))
                self.progress(f"imitation {self.step} of {config.imitation_steps}: {np.mean(losses[-100:]):.3f} nats")
            if self.step == config.imitation_steps:
                self._set_rate(config.learn.learning_rate)
                self._validate(journal)
            if self.step % 100 == 0 or self.step == config.imitation_steps:
                self._kept = self._state()
            if self.step % (100 * config.checkpoint_every) == 0:
                self.save()

    def _set_rate(self, rate: float) -> None:
        for group in self.learner.optimiser.param_groups:
            group["lr"] = rate

    def _update(self, journal: Journal, began: float) -> None:
        while len(self.waiting) < self.config.ahead:
            self._submit(self._chosen())
        first = self.waiting[0]
        corrected = self._answer(first)
        self.waiting.popleft()
        if corrected is None:
            return
        instance, interval = first.instance, corrected.interval_us
        found = np.isfinite(interval)
        self.failures[instance.name] = 0 if found.any() else self.failures[instance.name] + 1
        explorer = Explorer(self.network, self.archive, instance, device=self.device)
        experience = explorer.observe(first.proposal, corrected.group_chip, interval, instance.bound_us)
        lesson = self.learner.learn(experience)
        self.update += 1
        self.samples += int(found.sum())  # what could not be corrected taught little
        self.seconds = time.monotonic() - began
        reward = instance.bound_us / interval
        entry = {
            "instance": instance.name,
            "reward": float(reward.mean()),
            "best": float(reward.max()),
            "known": instance.bound_us / self.archive.shortest_us(instance.name),
            "valid": float(found.mean()),
            "samples_per_s": self.samples / max(self.seconds, 1e-9),
            **asdict(lesson),
        }
        journal.write("update", self.step + self.update, **entry)
        self.progress(
            f"update {self.update} of {self.config.updates}: {instance.name}, reward {entry['reward']:.3f}, "
            f"valid {entry['valid']:.0%}, entropy {lesson.entropy:.2f}, {entry['samples_per_s']:.1f} samples/s"
        )
        if self.update % self.config.validate_every == 0:
            self._validate(journal)

    def _chosen(self) -> Instance:
        """An instance at random, of those that are not hopeless."""
        names = [name for name, failed in self.failures.items() if failed < _HOPELESS]
        if not names:
            raise InfeasibleError("no hint of any training graph was corrected")
        return self.instances[names[int(self.rng.integers(len(names)))]]

    def _submit(self, instance: Instance, proposal: Proposal | None = None) -> None:
        if proposal is None:
            explorer = Explorer(self.network, self.archive, instance, device=self.device)
            proposal = explorer.propose(self.config.batch, self.rng)
        job = self._job(instance, proposal)
        self.waiting.append(_Waiting(instance, proposal, self.executor.submit(correct_batch, job)))

    def _job(self, instance: Instance, proposal: Proposal) -> Job:
        config = self.config
        hints = Hints(config.mode, proposal.wishes(config.mode))
        return Job(instance.name, instance.graph, instance.package, hints, config.solver, config.batch_limit_s)

    def _answer(self, waiting: _Waiting) -> Corrected | None:
        """What became of a batch; None where the rules leave nothing, after which the instance is left alone."""
        try:
            return waiting.answer.result()
        except InfeasibleError:
            self.failures[waiting.instance.name] = _HOPELESS
            return None

    def _validate(self, journal: Journal) -> None:
        """Zero-shot on the validation graphs, with draws that a seed of their own fixes; keeps the best network."""
        rng, config = np.random.default_rng(config_seed(self.config)), self.config
        asked = []
        for instance in self.validation:
            explorer = Explorer(self.network, Archive(), instance, device=self.device)
            proposal = explorer.propose(config.validation_samples, rng, most_likely=1)
            asked.append((instance, self.executor.submit(correct_batch, self._job(instance, proposal))))
        rewards = []
        for instance, answer in asked:
            try:
                rewards.append(instance.bound_us / answer.result().interval_us.min())
            except InfeasibleError:
                continue
        if not rewards:
            return
        score = _geometric_mean(np.array(rewards))
        journal.write("validation", self.step + self.update, score=score, solved=float(np.mean(np.array(rewards) > 0)))
        self.progress(f"validation: {score:.4f} of the bound, geometric mean over {len(rewards)} graphs")
        if score > self.best:
            self.best = score
            save_policy(self.network, self.directory / BEST, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "config": self.config.as_dict(),
            "imitation_steps": self.step,
            "updates": self.update,
            "samples": self.samples,
            "seconds": round(self.seconds, 1),
            "validation": self.best if np.isfinite(self.best) else None,
            "graphs": sorted({each.graph.name.partition("~")[0] for each in self.instances.values()}),
            "validation_graphs": sorted({each.graph.name for each in self.validation}),
        }

    def _state(self) -> dict[str, Any]:
        """All that the run goes on from, as it is now."""
        return {
            "facts": self._facts(),
            "learner": self.learner.state(),
            "rng": json.dumps(self.rng.bit_generator.state),
            "step": self.step,
            "update": self.update,
            "samples": self.samples,
            "seconds": self.seconds,
            "best": float(self.best),
            "failures": dict(self.failures),
            "archive": {
                name: [(interval, torch.as_tensor(chip)) for interval, chip in known]
                for name, known in self.archive.best.items()
            },
            "waiting": [(each.instance.name, packed(each.proposal)) for each in self.waiting],
        }

    def save(self) -> None:
        """Writes the policy and the state of the last whole update."""
        state = self._kept
        network = copy.deepcopy(self.network)
        network.load_state_dict(state["learner"]["network"])
        save_policy(network, self.directory / LAST, state["facts"])
        buffer = io.BytesIO()
        torch.save({name: value for name, value in state.items() if name != "facts"}, buffer)
        write_whole(self.directory / STATE, buffer.getvalue())

    def resume(self) -> None:
        """Goes on from what `save` wrote.

        Raises:
            InputError: if there is no run, or it is of other graphs.
        """
        file = self.directory / STATE
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise InputError("no run to resume: there is no such file", file=file) from None
        except (OSError, RuntimeError, ValueError, EOFError, LookupError, UnpicklingError):
            state = None
        if not isinstance(state, dict) or not state.keys() >= self._kept.keys() - {"facts"}:
            raise InputError("no run to resume: expected the state of a run, whole", file=file)
        if set(state["failures"]) != set(self.instances):
            raise InputError("the run is of other graphs or packages", file=file)
        self.learner.restore(state["learner"])
        self.rng.bit_generator.state = json.loads(state["rng"])
        self.step, self.update, self.samples = state["step"], state["update"], state["samples"]
        self.seconds, self.best, self.failures = state["seconds"], state["best"], dict(state["failures"])
        self.archive.best = {
            name: [(interval, chip.numpy()) for interval, chip in known] for name, known in state["archive"].items()
        }
        for name, kept in state["waiting"]:
            self._submit(self.instances[name], unpacked(self.instances[name], kept))
        self._kept = self._state()


def _network(config: TrainConfig) -> PolicyNetwork:
    """The network before the first step.

    Raises:
        InputError: if it begins with a checkpoint, and there is none or it has other sizes.
    """
    network = build(config.network.as_dict(), config.seed)
    if config.begin:
        begun = load_policy(config.begin)
        if replace(begun.config, start=config.network.start) != config.network:
            raise InputError(f"the policy '{config.begin}' has other sizes than the one to train", field="--begin")
        network.load_state_dict(begun.state_dict())
    return network


def config_seed(config: TrainConfig) -> tuple[int, int]:
    """Seed of the draws for validation, apart from that of training."""
    return (config.seed, 1)


def _geometric_mean(rewards: FloatArray) -> float:
    """With a hundredth of the bound for what was not solved."""
    return float(np.exp(np.log(np.maximum(rewards, 0.01)).mean()))
