"""Models of several towers: Siamese and two-stream vision, recommenders, multi-task mixtures.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .dense_prediction import basic
from .layers import conv_norm


def resnet18_features(c_in: int = 3) -> nn.Sequential:
    """ResNet-18 up to its 512 pooled features."""
    layers: list[nn.Module] = [conv_norm(c_in, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for channels in (64, 128, 256, 512):
        layers += [basic(width, channels, 2 if channels != width else 1), basic(channels, channels)]
        width = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Siamese(nn.Module):
    """Twin towers with shared weights judge whether two images agree (Koch et al., 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            *(nn.Conv2d(1, 64, 10), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 7), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(128, 128, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(128, 256, 4), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid()),
        )
        self.score = nn.Linear(4096, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return self.score((self.tower(one) - self.tower(other)).abs()).sigmoid()


class Triplet(nn.Module):
    """Three ResNet-18 towers with shared weights and unit embeddings (Schroff et al., 2015)."""

    def __init__(self, embedding: int = 128) -> None:
        super().__init__()
        self.tower = nn.Sequential(resnet18_features(), nn.Linear(512, embedding))

    def forward(self, anchor: Tensor, same: Tensor, other: Tensor) -> Tensor:
        a, b, c = (nn.functional.normalize(self.tower(x), dim=1) for x in (anchor, same, other))
        return (a - b).square().sum(dim=1) - (a - c).square().sum(dim=1)


class TwoStream(nn.Module):
    """One ResNet-18 sees the frame, one ten frames of optical flow, scores averaged (Simonyan and Zisserman, 2014)."""

    def __init__(self, classes: int = 101) -> None:
        super().__init__()
        self.space = nn.Sequential(resnet18_features(3), nn.Linear(512, classes))
        self.motion = nn.Sequential(resnet18_features(20), nn.Linear(512, classes))

    def forward(self, frame: Tensor, flow: Tensor) -> Tensor:
        return (self.space(frame).softmax(dim=1) + self.motion(flow).softmax(dim=1)) / 2


def dense_layers(*widths: int, last: bool = True) -> nn.Sequential:
    """Linear layers with ReLU between them, and after the last one too if asked."""
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*(layers if last else layers[:-1]))


class Dlrm(nn.Module):
    """Deep learning recommendation model: 26 embedding tables, pairwise products (Naumov et al., 2019)."""

    def __init__(self, tables: int = 26, rows: int = 20000, width: int = 64, dense: int = 13) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for _ in range(tables))
        self.bottom = dense_layers(dense, 512, 256, width)
        pairs = (tables + 1) * tables // 2
        self.top = dense_layers(width + pairs, 512, 256, 1, last=False)
        self.pairs = [row * (tables + 1) + column for row in range(tables + 1) for column in range(row)]

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        dense = self.bottom(numbers)
        looked_up = [table(category) for table, category in zip(self.tables, categories.unbind(1), strict=True)]
        vectors = torch.stack([dense, *looked_up], dim=1)
        products = (vectors @ vectors.transpose(1, 2)).flatten(1)
        return self.top(torch.cat([dense, products[:, self.pairs]], dim=1)).sigmoid()


class WideAndDeep(nn.Module):
    """A linear model over crossed features beside a deep one over embeddings (Cheng et al., 2016)."""

    def __init__(self, fields: int = 16, rows: int = 10000, width: int = 32, dense: int = 13) -> None:
        super().__init__()
        self.wide = nn.ModuleList(nn.Embedding(rows, 1) for _ in range(fields))
        self.tables = nn.ModuleList(nn.Embedding(rows, width) for _ in range(fields))
        self.deep = dense_layers(fields * width + dense, 1024, 512, 256)
        self.score = nn.Linear(256, 1)

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        fields = categories.unbind(1)
        wide = torch.cat([table(field) for table, field in zip(self.wide, fields, strict=True)], dim=1)
        looked_up = [table(field) for table, field in zip(self.tables, fields, strict=True)]
        deep = self.score(self.deep(torch.cat([numbers, *looked_up], dim=1)))
        return (wide.sum(dim=1, keepdim=True) + deep).sigmoid()


class MixtureOfTasks(nn.Module):
    """Multi-gate mixture of experts: each task weighs the same experts its own way (Ma et al., 2018)."""

    def __init__(self, features: int = 512, experts: int = 8, tasks: int = 3) -> None:
        super().__init__()
        self.experts = nn.ModuleList(dense_layers(features, 512, 256) for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(features, experts) for _ in range(tasks))
        self.heads = nn.ModuleList(dense_layers(256, 128, 1, last=False) for _ in range(tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        opinions = torch.stack([expert(x) for expert in self.experts], dim=1)
        outputs = []
        for gate, head in zip(self.gates, self.heads, strict=True):
            mixed = gate(x).softmax(dim=1).unsqueeze(1) @ opinions
            outputs.append(head(mixed.squeeze(1)).sigmoid())
        return outputs
