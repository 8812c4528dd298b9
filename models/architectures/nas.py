"""Searched and random wirings: NASNet-A, AmoebaNet-A and DARTS cells, and a randomly wired network.

The genotypes are the published ones, in the notation of Liu et al. (2019). Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .layers import classifier, conv_norm, separable_conv

Edge = tuple[str, int]


@dataclass(frozen=True)
class Genotype:
    """A searched pair of cells.

    Attributes:
        normal: (op, input state) pairs, two a node; states 0 and 1 are the two cells before.
        normal_concat: states the cell puts out.
        reduce: the same for the cell that halves the image.
        reduce_concat: states it puts out.
    """

    normal: tuple[Edge, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Edge, ...]
    reduce_concat: tuple[int, ...]


# Zoph et al., 2018, figure 4
NASNET_A = Genotype(
    normal=(
        *(("sep_conv_5x5", 1), ("sep_conv_3x3", 0), ("sep_conv_5x5", 0), ("sep_conv_3x3", 0), ("avg_pool_3x3", 1)),
        *(("skip", 0), ("avg_pool_3x3", 0), ("avg_pool_3x3", 0), ("sep_conv_3x3", 1), ("skip", 1)),
    ),
    normal_concat=(1, 2, 3, 4, 5, 6),
    reduce=(
        *(("sep_conv_5x5", 1), ("sep_conv_7x7", 0), ("max_pool_3x3", 1), ("sep_conv_7x7", 0), ("avg_pool_3x3", 1)),
        *(("sep_conv_5x5", 0), ("skip", 3), ("avg_pool_3x3", 2), ("sep_conv_3x3", 2), ("max_pool_3x3", 1)),
    ),
    reduce_concat=(3, 4, 5, 6),
)
# Real et al., 2019, figure 5
AMOEBANET_A = Genotype(
    normal=(
        *(("avg_pool_3x3", 0), ("max_pool_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_5x5", 2), ("sep_conv_3x3", 0)),
        *(("avg_pool_3x3", 3), ("sep_conv_3x3", 1), ("skip", 1), ("skip", 0), ("avg_pool_3x3", 1)),
    ),
    normal_concat=(4, 5, 6),
    reduce=(
        *(("avg_pool_3x3", 0), ("sep_conv_3x3", 1), ("max_pool_3x3", 0), ("sep_conv_7x7", 2), ("sep_conv_7x7", 0)),
        *(("avg_pool_3x3", 1), ("max_pool_3x3", 0), ("max_pool_3x3", 1), ("conv_7x1_1x7", 0), ("sep_conv_3x3", 5)),
    ),
    reduce_concat=(3, 4, 6),
)
# Liu et al., 2019, figures 4 and 5 (second order)
DARTS_V2 = Genotype(
    normal=(
        *(("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
        *(("sep_conv_3x3", 1), ("skip", 0), ("skip", 0), ("dil_conv_3x3", 2)),
    ),
    normal_concat=(2, 3, 4, 5),
    reduce=(
        *(("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip", 2), ("max_pool_3x3", 1)),
        *(("max_pool_3x3", 0), ("skip", 2), ("skip", 2), ("max_pool_3x3", 1)),
    ),
    reduce_concat=(2, 3, 4, 5),
)
GENOTYPES = {"nasnet-a": NASNET_A, "amoebanet-a": AMOEBANET_A, "darts-v2": DARTS_V2}


class FactorizedReduce(nn.Module):
    """Halves the image without losing every other pixel: two strided convolutions, one shifted."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        x = x.relu()
        return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))


def relu_conv(c_in: int, c_out: int) -> nn.Module:
    """ReLU, 1 x 1 convolution, batch norm."""
    return nn.Sequential(nn.ReLU(), conv_norm(c_in, c_out, act=None))


def searched_op(name: str, channels: int, stride: int) -> nn.Module:
    """One op of the search space at a width and stride."""
    kernel = int(name[-1]) if name[-1].isdigit() else 0
    match name.rsplit("_", 1)[0]:
        case "sep_conv":
            twice = (separable_conv(channels, channels, kernel, s) for s in (stride, 1))
            return nn.Sequential(*(layer for conv in twice for layer in (nn.ReLU(), conv)))
        case "dil_conv":
            return nn.Sequential(nn.ReLU(), separable_conv(channels, channels, kernel, stride, dilation=2))
        case "conv_7x1":
            row = nn.Conv2d(channels, channels, (1, 7), (1, stride), (0, 3), bias=False)
            column = nn.Conv2d(channels, channels, (7, 1), (stride, 1), (3, 0), bias=False)
            return nn.Sequential(nn.ReLU(), row, column, nn.BatchNorm2d(channels))
        case "max_pool":
            return nn.MaxPool2d(kernel, stride, kernel // 2)
        case "avg_pool":
            return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)
        case _:
            return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)


class Cell(nn.Module):
    """A searched cell: every node adds two ops on earlier states."""

    def __init__(
        self, genotype: Genotype, before: int, last: int, channels: int, *, reduces: bool, reduced: bool
    ) -> None:
        super().__init__()
        edges = genotype.reduce if reduces else genotype.normal
        self.concat = genotype.reduce_concat if reduces else genotype.normal_concat
        self.enter0 = FactorizedReduce(before, channels) if reduced else relu_conv(before, channels)
        self.enter1 = relu_conv(last, channels)
        self.sources = [source for _, source in edges]
        self.ops = nn.ModuleList(
            searched_op(name, channels, 2 if reduces and source < 2 else 1) for name, source in edges
        )
        self.width = channels * len(self.concat)

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        states = [self.enter0(before), self.enter1(last)]
        for left in range(0, len(self.ops), 2):
            pair = (self.ops[i](states[self.sources[i]]) for i in (left, left + 1))
            states.append(next(pair) + next(pair))
        return torch.cat([states[i] for i in self.concat], dim=1)


class SearchedNetwork(nn.Module):
    """Cells in a row, two of them reducing.

    Args:
        genotype: the pair of cells.
        channels: width of the first cell's nodes; it doubles with each reduction.
        cells: cells in all, reducing ones included.
        imagenet: whether images are 224 x 224 and classes 1,000 instead of CIFAR-10's.
    """

    def __init__(self, genotype: Genotype, channels: int, cells: int, *, imagenet: bool) -> None:
        super().__init__()
        if imagenet:
            half = channels // 2
            self.stem0 = nn.Sequential(conv_norm(3, half, 3, 2), conv_norm(half, channels, 3, 2, act=None))
            self.stem1 = nn.Sequential(nn.ReLU(), conv_norm(channels, channels, 3, 2, act=None))
            before = last = channels
        else:
            self.stem0 = conv_norm(3, 3 * channels, 3, act=None)
            self.stem1 = nn.Identity()
            before = last = 3 * channels
        reduced = imagenet
        self.cells = nn.ModuleList()
        for index in range(cells):
            reduces = index in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduces else 1
            cell = Cell(genotype, before, last, channels, reduces=reduces, reduced=reduced)
            self.cells.append(cell)
            before, last, reduced = last, cell.width, reduces
        self.classify = classifier(last, 1000 if imagenet else 10)

    def forward(self, x: Tensor) -> Tensor:
        before = self.stem0(x)
        last = self.stem1(before)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return self.classify(last)


def watts_strogatz(nodes: int, neighbours: int, rewire: float, seed: int) -> list[list[int]]:
    """Predecessors of each node of a small-world graph, edges turned from the lower to the higher number."""
    draw = random.Random(seed)
    edges = {(i, (i + step) % nodes) for step in range(1, neighbours // 2 + 1) for i in range(nodes)}
    for step in range(1, neighbours // 2 + 1):
        for i in range(nodes):
            j = (i + step) % nodes
            if draw.random() < rewire:
                taken = {b for a, b in edges if a == i} | {a for a, b in edges if b == i} | {i}
                edges.remove((i, j))
                edges.add((i, draw.choice([node for node in range(nodes) if node not in taken])))
    return [sorted({min(e) for e in edges if max(e) == node}) for node in range(nodes)]


class RandomStage(nn.Module):
    """A stage wired by a random graph; a node weighs and adds its inputs, then convolves (Xie et al., 2019).

    The weights are stored as they are after the paper's sigmoid, which an inference would not compute again.
    """

    def __init__(self, c_in: int, c_out: int, seed: int, nodes: int = 32) -> None:
        super().__init__()
        self.sources = watts_strogatz(nodes, 4, 0.75, seed)
        self.mix = nn.ParameterList(nn.Parameter(torch.empty(len(s))) if len(s) > 1 else None for s in self.sources)
        self.ops = nn.ModuleList(
            nn.Sequential(nn.ReLU(), separable_conv(c_out if s else c_in, c_out, 3, 1 if s else 2))
            for s in self.sources
        )
        used = {source for sources in self.sources for source in sources}
        self.ends = [node for node in range(nodes) if node not in used]

    def forward(self, x: Tensor) -> Tensor:
        states: list[Tensor] = []
        for node, (sources, op) in enumerate(zip(self.sources, self.ops, strict=True)):
            value = x
            if len(sources) > 1:
                value = states[sources[0]] * self.mix[node][0]
                for source, weight in zip(sources[1:], self.mix[node][1:], strict=True):
                    value = value + states[source] * weight
            elif sources:
                value = states[sources[0]]
            states.append(op(value))
        return torch.stack([states[node] for node in self.ends]).mean(dim=0)


def randomly_wired(channels: int = 78, seed: int = 1) -> nn.Module:
    """RandWire-WS(4, 0.75) in the small regime (Xie et al., 2019)."""
    stem = separable_conv(channels // 2, channels, 3, 2)
    return nn.Sequential(
        *(conv_norm(3, channels // 2, 3, 2, act=None), nn.ReLU(), stem),
        *(RandomStage(channels << max(s - 1, 0), channels << s, seed + s) for s in range(3)),
        *(nn.ReLU(), conv_norm(channels << 2, 1280), classifier(1280)),
    )
