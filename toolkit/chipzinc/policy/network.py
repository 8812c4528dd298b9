"""`PolicyNetwork`: scores every group of a graph against every chip of a package, given a partition to refine.

A graph encoder (GraphSAGE: Hamilton et al., NeurIPS 2017, with both directions of the edges apart) runs once a graph;
each refinement pass (Xie et al., MLSys 2022, section 4) adds what the candidate's chips look like and scores again.
Chips are embedded by their properties and groups see chips relative to the one they are on, so nothing depends on how
many of either there are. Knows tensors only: no graph, no package, no solver.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from chipzinc.graph.opgraph import BoolArray, FloatArray
from chipzinc.policy.candidate import LOAD_FEATURES, STANDING_FEATURES, Candidates
from chipzinc.policy.features import CHIP_FEATURES, GROUP_FEATURES, PACKAGE_FEATURES, Features

_LEAST_TAKEN = 1e-9  # of a chip
_REFUSED = -1e9  # logit of a chip that cannot run the group
_FIRST_GAIN = 0.01  # of the layers that score: an untrained policy draws around greedy's place
_FIRST_SHARPNESS = 2.0  # before softplus: a chip away is an eighth as likely
_FIRST_EXTRA = -8.0  # before softplus: what a group takes up beside its work
_FIRST_FILL = 3.0  # before the sigmoid: nearly all chips are filled
_FILL_GAIN = 10.0  # small graphs fill few of many chips: that must not take long to learn


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a network.

    Attributes:
        width: features of an embedding.
        graph_layers: rounds of message passing over the graph, once.
        pass_layers: rounds of message passing over graph and pipeline, in each pass.
        reach: how many chips away from a group's own a step still counts apart.
        start: whose hint the first pass refines: greedy or slice.
    """

    width: int = 64
    graph_layers: int = 4
    pass_layers: int = 2
    reach: int = 12
    start: Literal["greedy", "slice"] = "greedy"

    def as_dict(self) -> dict[str, int | str]:
        """Plain data, for a checkpoint."""
        return asdict(self)


class GraphTensors(NamedTuple):
    """`Features` as tensors.

    Attributes:
        group: the group's and the package's features side by side.
        chip: the chip's and the package's features side by side.
        from_sources: mean over a group's sources, sparse.
        from_readers: mean over a group's readers, sparse.
        traffic: mean traffic of a group's incoming and outgoing edges.
        work: of each group, in chips that it would fill if the work were all.
        ends: where the work of each chip begins, and that of the last one ends, if the work were all.
        refused: whether a chip cannot run the group.
    """

    group: Float[Tensor, "group group_feature"]
    chip: Float[Tensor, "chip chip_feature"]
    from_sources: Tensor
    from_readers: Tensor
    traffic: Float[Tensor, "group 2"]
    work: Float[Tensor, " group"]
    ends: Float[Tensor, " chip_end"]
    refused: Bool[Tensor, "group chip"]


class CandidateTensors(NamedTuple):
    """`Candidates` as tensors, with what of them may move.

    Attributes:
        chip: chip of each group.
        load: what its chips look like.
        standing: where each group stands.
        free: which groups may move.
        stretch: logarithm of a factor on what each group takes up, by which samples differ.
        temperature: divides the logits.
    """

    chip: Int[Tensor, "sample group"]
    load: Float[Tensor, "sample chip load_feature"]
    standing: Float[Tensor, "sample group standing_feature"]
    free: Bool[Tensor, "sample group"]
    stretch: Float[Tensor, "sample group"]
    temperature: Float[Tensor, " sample"]


class Encoded(NamedTuple):
    """A graph and a package, embedded."""

    group: Float[Tensor, "group width"]
    chip: Float[Tensor, "chip width"]


class Scores(NamedTuple):
    """What a pass says.

    Attributes:
        logits: of every chip for every group.
        value: the reward expected of samples that start from the candidate.
    """

    logits: Float[Tensor, "sample group chip"]
    value: Float[Tensor, " sample"]


def graph_tensors(features: Features, device: torch.device | str = "cpu") -> GraphTensors:
    """Turns features into tensors on a device."""
    package = features.package
    n = features.n_groups
    earlier, later = features.edges.T
    traffic = np.zeros((n, 2))
    for at, ends in enumerate((later, earlier)):
        np.add.at(traffic[:, at], ends, features.edge_traffic)
        traffic[:, at] /= np.maximum(1, np.bincount(ends, minlength=n))
    return GraphTensors(
        group=_float(np.concatenate([features.group, np.tile(package, (n, 1))], axis=1), device),
        chip=_float(np.concatenate([features.chip, np.tile(package, (features.n_chips, 1))], axis=1), device),
        from_sources=_mean_over(later, earlier, n, device),
        from_readers=_mean_over(earlier, later, n, device),
        traffic=_float(traffic, device),
        work=_float(features.share * features.n_chips, device),
        ends=_float(features.chip_ends * features.n_chips, device),
        refused=torch.as_tensor(features.refused, device=device),
    )


def candidate_tensors(
    candidates: Candidates,
    device: torch.device | str = "cpu",
    *,
    free: BoolArray | None = None,
    stretch: FloatArray | None = None,
    temperature: FloatArray | None = None,
) -> CandidateTensors:
    """Turns candidates into tensors on a device.

    Unless told otherwise all groups may move, none is stretched, and the temperature is 1.
    """
    chip = torch.as_tensor(candidates.chip, dtype=torch.int64, device=device)
    may = np.ones(candidates.chip.shape, dtype=np.bool_) if free is None else free
    more = np.zeros(candidates.chip.shape) if stretch is None else stretch
    heat = np.ones(len(candidates.chip)) if temperature is None else temperature
    load, standing = _float(candidates.load, device), _float(candidates.standing, device)
    moves = torch.as_tensor(may, device=device)
    return CandidateTensors(chip, load, standing, moves, _float(more, device), _float(heat, device))


def _float(array: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.as_tensor(np.asarray(array, dtype=np.float32), device=device)


def _mean_over(rows: np.ndarray, columns: np.ndarray, n: int, device: torch.device | str) -> Tensor:
    """The sparse matrix that averages, for each row, over its columns."""
    share = (1 / np.maximum(1, np.bincount(rows, minlength=n)))[rows].astype(np.float32)
    places = torch.as_tensor(np.stack([rows, columns]), dtype=torch.int64)
    matrix = torch.sparse_coo_tensor(places, torch.as_tensor(share), (n, n), check_invariants=True)
    return matrix.coalesce().to(device)


class _Sage(nn.Module):
    """One round of message passing over the graph, for a batch of embeddings."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own, self.sources, self.readers = (nn.Linear(width, width) for _ in range(3))
        self.traffic = nn.Linear(2, width)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, group: Float[Tensor, "sample group width"], graph: GraphTensors
    ) -> Float[Tensor, "sample group width"]:
        n_samples, n_groups, width = group.shape
        flat = group.transpose(0, 1).reshape(n_groups, n_samples * width)
        sources = torch.sparse.mm(graph.from_sources, flat).view(n_groups, n_samples, width).transpose(0, 1)
        readers = torch.sparse.mm(graph.from_readers, flat).view(n_groups, n_samples, width).transpose(0, 1)
        heard = self.own(group) + self.sources(sources) + self.readers(readers) + self.traffic(graph.traffic)
        normed: Tensor = self.norm(group + torch.relu(heard))
        return normed


class _Pipeline(nn.Module):
    """One round between groups and chips: a chip hears its groups and its neighbours, a group hears its chip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.groups, self.own, self.before, self.behind, self.answer = (nn.Linear(width, width) for _ in range(5))
        self.chip_norm, self.group_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(
        self,
        group: Float[Tensor, "sample group width"],
        chip: Float[Tensor, "sample chip width"],
        on: Int[Tensor, "sample group"],
    ) -> tuple[Float[Tensor, "sample group width"], Float[Tensor, "sample chip width"]]:
        place = on[..., None].expand_as(group)
        count = torch.zeros_like(chip[..., :1]).scatter_add(1, on[..., None], torch.ones_like(group[..., :1]))
        held = torch.zeros_like(chip).scatter_add(1, place, group) / count.clamp(min=1)
        edge = torch.zeros_like(chip[:, :1])
        before = torch.cat([edge, chip[:, :-1]], dim=1)
        behind = torch.cat([chip[:, 1:], edge], dim=1)
        heard = self.groups(held) + self.own(chip) + self.before(before) + self.behind(behind)
        chip = self.chip_norm(chip + torch.relu(heard))
        group = self.group_norm(group + torch.relu(self.answer(chip).gather(1, place)))
        return group, chip


class PolicyNetwork(nn.Module):
    """See the head of this file.

    Args:
        config: sizes.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        width = self.config.width
        n_package = len(PACKAGE_FEATURES)
        self.read_group = _two_layers(len(GROUP_FEATURES) + n_package, width)
        self.read_chip = _two_layers(len(CHIP_FEATURES) + n_package, width)
        self.graph = nn.ModuleList([_Sage(width) for _ in range(self.config.graph_layers)])
        self.read_load = _two_layers(len(LOAD_FEATURES) + width, width)
        self.read_standing = _two_layers(len(STANDING_FEATURES) + width, width)
        self.pipeline = nn.ModuleList([_Pipeline(width) for _ in range(self.config.pass_layers)])
        self.messages = nn.ModuleList([_Sage(width) for _ in range(self.config.pass_layers)])
        self.ask, self.offer = nn.Linear(width, width), nn.Linear(width, width)
        self.step = nn.Linear(width, 2 * self.config.reach + 1)
        self.room = nn.Linear(width, 3)
        self.fill = nn.Linear(width, 1)
        self.judge = _two_layers(2 * width, 1, width)
        for layer in (self.ask, self.offer, self.step, self.room, self.fill):
            nn.init.normal_(layer.weight, std=_FIRST_GAIN)
            nn.init.zeros_(layer.bias)

    def encode(self, graph: GraphTensors) -> Encoded:
        """Embeds a graph and a package, once for all passes."""
        group = self.read_group(graph.group)[None]
        for layer in self.graph:
            group = layer(group, graph)
        return Encoded(group[0], self.read_chip(graph.chip))

    def forward(self, graph: GraphTensors, encoded: Encoded, candidate: CandidateTensors) -> Scores:
        """Scores a refinement of each candidate."""
        n_samples = len(candidate.chip)
        chip = self.read_load(torch.cat([candidate.load, encoded.chip.expand(n_samples, -1, -1)], dim=2))
        group = self.read_standing(torch.cat([candidate.standing, encoded.group.expand(n_samples, -1, -1)], dim=2))
        for between, along in zip(self.pipeline, self.messages, strict=True):
            group, chip = between(group, chip, candidate.chip)
            group = along(group, graph)
        asked = torch.bmm(self.ask(group), self.offer(chip).transpose(1, 2)) / self.config.width**0.5
        logits = asked + self._steps(group, candidate.chip, chip.shape[1]) + self._places(group, graph, candidate)
        logits = logits / candidate.temperature[:, None, None]
        value = self.judge(torch.cat([group.mean(dim=1), chip.mean(dim=1)], dim=1)).squeeze(1)
        return Scores(logits.masked_fill(graph.refused, _REFUSED), value)

    def _steps(
        self, group: Float[Tensor, "sample group width"], on: Int[Tensor, "sample group"], n_chips: int
    ) -> Float[Tensor, "sample group chip"]:
        """What a step of so many chips, from where the group is, is worth to it."""
        reach = self.config.reach
        step = torch.arange(n_chips, device=on.device) - on[..., None]
        steps: Tensor = self.step(group)
        return steps.gather(2, step.clamp(-reach, reach) + reach)

    def _places(
        self, group: Float[Tensor, "sample group width"], graph: GraphTensors, candidate: CandidateTensors
    ) -> Float[Tensor, "sample group chip"]:
        """How near each chip is to where the group would stand, were chips filled in the order of the groups.

        Each group says how much of a chip it takes up, which is its work until it learns better. What may move shares
        the chips it is on by these, in order: so what one group takes up moves all behind it, as it does in a
        pipeline, and chips are as full as one another. Where all may move, some of the last chips may stay empty.
        """
        scale, extra, sharpness = self.room(group).unbind(dim=2)
        taken = graph.work * torch.exp(scale.clamp(-4, 4)) + nn.functional.softplus(extra + _FIRST_EXTRA)
        taken = taken * torch.exp(candidate.stretch) * candidate.free
        begin, end = _span(graph, candidate)
        fill = torch.sigmoid(_FILL_GAIN * self.fill(group.mean(dim=1)) + _FIRST_FILL)
        filled = (end - begin) * fill.masked_fill(~candidate.free.all(dim=1, keepdim=True), 1.0)
        share = (taken.cumsum(dim=1) - taken / 2) / taken.sum(dim=1, keepdim=True).clamp(min=_LEAST_TAKEN)
        middle = begin + filled * share
        chip = torch.searchsorted(graph.ends, middle.detach(), right=True).clamp(1, len(graph.ends) - 1)
        begin, end = graph.ends[chip - 1], graph.ends[chip]
        place = chip - 1 + (middle - begin) / (end - begin) - 0.5
        chips = torch.arange(len(graph.ends) - 1, device=group.device)
        away = (chips - place.clamp(-0.5, len(chips) - 0.5)[..., None]).abs()
        return -nn.functional.softplus(sharpness + _FIRST_SHARPNESS)[..., None] * away


def _span(
    graph: GraphTensors, candidate: CandidateTensors
) -> tuple[Float[Tensor, "sample 1"], Float[Tensor, "sample 1"]]:
    """Where the chips of what may move begin and end, along the work of all chips; all chips where all may move."""
    last = len(graph.ends) - 2
    whole = candidate.free.all(dim=1, keepdim=True)
    low = candidate.chip.masked_fill(~candidate.free, last).amin(dim=1, keepdim=True).masked_fill(whole, 0)
    high = candidate.chip.masked_fill(~candidate.free, 0).amax(dim=1, keepdim=True).masked_fill(whole, last)
    return graph.ends[low], graph.ends[torch.maximum(low, high) + 1]


def _two_layers(n_in: int, n_out: int, width: int | None = None) -> nn.Sequential:
    width = width or n_out
    return nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, n_out))


def build(config: dict[str, Any] | None = None, seed: int = 0) -> PolicyNetwork:
    """A fresh network whose weights a seed fixes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PolicyNetwork(NetworkConfig(**(config or {})))
