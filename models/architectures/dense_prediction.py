"""Networks that keep several resolutions: U-Nets, hourglasses, HRNet, feature pyramids, DLA.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Residual, classifier, conv_norm


def double_conv(c_in: int, c_out: int) -> nn.Sequential:
    """Two normalised 3 x 3 convolutions."""
    return nn.Sequential(conv_norm(c_in, c_out, 3), conv_norm(c_out, c_out, 3))


class UNet(nn.Module):
    """U-Net with padded convolutions (Ronneberger et al., 2015); `gated` adds attention gates (Oktay et al., 2018)."""

    def __init__(self, c_in: int = 3, classes: int = 2, base: int = 64, depth: int = 4, *, gated: bool = False) -> None:
        super().__init__()
        widths = [base << level for level in range(depth + 1)]
        self.down = nn.ModuleList(double_conv(a, b) for a, b in zip([c_in, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.merge = nn.ModuleList(double_conv(2 * w, w) for w in reversed(widths[:-1]))
        self.gates = nn.ModuleList(AttentionGate(w) if gated else nn.Identity() for w in reversed(widths[:-1]))
        self.gated = gated
        self.score = nn.Conv2d(base, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level, conv in enumerate(self.down):
            x = conv(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        skips.pop()
        for up, gate, merge in zip(self.up, self.gates, self.merge, strict=True):
            x, skip = up(x), skips.pop()
            x = merge(torch.cat([gate(skip, x) if self.gated else skip, x], dim=1))
        return self.score(x)


class AttentionGate(nn.Module):
    """Keeps what the coarser signal asks for of a skip connection (Oktay et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.of_skip = conv_norm(channels, channels // 2, act=None)
        self.of_signal = conv_norm(channels, channels // 2, act=None)
        self.gate = nn.Sequential(nn.ReLU(), conv_norm(channels // 2, 1, act=nn.Sigmoid))

    def forward(self, skip: Tensor, signal: Tensor) -> Tensor:
        return skip * self.gate(self.of_skip(skip) + self.of_signal(signal))


class UNetPlusPlus(nn.Module):
    """U-Net with nested, dense skip connections (Zhou et al., 2018)."""

    def __init__(self, classes: int = 2, widths: tuple[int, ...] = (32, 64, 128, 256, 512)) -> None:
        super().__init__()
        self.levels = len(widths)
        self.nodes = nn.ModuleDict()
        for column in range(self.levels):
            for row in range(self.levels - column):
                above = widths[row - 1] if row else 3
                c_in = widths[row] * column + widths[row + 1] if column else above
                self.nodes[f"{row}_{column}"] = double_conv(c_in, widths[row])
        self.score = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        columns: list[list[Tensor]] = [[] for _ in range(self.levels)]
        for row in range(self.levels):
            x = self.nodes[f"{row}_0"](F.max_pool2d(x, 2) if row else x)
            columns[row].append(x)
        for column in range(1, self.levels):
            for row in range(self.levels - column):
                below = F.interpolate(columns[row + 1][column - 1], scale_factor=2.0, mode="bilinear")
                columns[row].append(self.nodes[f"{row}_{column}"](torch.cat([*columns[row], below], dim=1)))
        return self.score(columns[0][-1])


def bottleneck(c_in: int, c_out: int, stride: int = 1, shrink: int = 4) -> nn.Module:
    """ResNet bottleneck, inside `shrink` times narrower than its output."""
    inner = c_out // shrink
    body = (conv_norm(c_in, inner), conv_norm(inner, inner, 3, stride), conv_norm(inner, c_out, act=None))
    project = conv_norm(c_in, c_out, 1, stride, act=None) if c_in != c_out or stride != 1 else None
    return Residual(nn.Sequential(*body), project, nn.ReLU)


def basic(c_in: int, c_out: int, stride: int = 1) -> nn.Module:
    """ResNet block of two 3 x 3 convolutions."""
    body = (conv_norm(c_in, c_out, 3, stride), conv_norm(c_out, c_out, 3, act=None))
    project = conv_norm(c_in, c_out, 1, stride, act=None) if c_in != c_out or stride != 1 else None
    return Residual(nn.Sequential(*body), project, nn.ReLU)


def half(c_in: int, c_out: int) -> nn.Module:
    """The hourglass's bottleneck, half as wide inside."""
    return bottleneck(c_in, c_out, shrink=2)


class Hourglass(nn.Module):
    """Goes down to 4 x 4 and back up, a bottleneck on every level's bypass (Newell et al., 2016)."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.bypass = half(channels, channels)
        self.low = half(channels, channels)
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else half(channels, channels)
        self.high = half(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        low = self.high(self.inner(self.low(F.max_pool2d(x, 2))))
        return self.bypass(x) + F.interpolate(low, scale_factor=2.0)


class StackedHourglass(nn.Module):
    """Hourglasses in a row, each one's heat maps fed to the next (Newell et al., 2016)."""

    def __init__(self, stacks: int = 2, channels: int = 256, joints: int = 16) -> None:
        super().__init__()
        stem = channels // 2
        self.stem = nn.Sequential(
            *(conv_norm(3, 64, 7, 2), half(64, stem), nn.MaxPool2d(2), half(stem, stem)),
            half(stem, channels),
        )
        self.glasses = nn.ModuleList(
            nn.Sequential(Hourglass(channels, 4), half(channels, channels), conv_norm(channels, channels))
            for _ in range(stacks)
        )
        self.heat = nn.ModuleList(nn.Conv2d(channels, joints, 1) for _ in range(stacks))
        self.back = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(stacks - 1))
        self.back_heat = nn.ModuleList(nn.Conv2d(joints, channels, 1) for _ in range(stacks - 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        maps = []
        for index, glass in enumerate(self.glasses):
            features = glass(x)
            maps.append(self.heat[index](features))
            if index < len(self.back):
                x = x + self.back[index](features) + self.back_heat[index](maps[-1])
        return maps


class Exchange(nn.Module):
    """Every resolution of HRNet becomes the sum of all of them, rescaled (Wang et al., 2020)."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleList(self.path(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    @staticmethod
    def path(widths: list[int], source: int, target: int) -> nn.Module:
        """How one resolution reaches another: upsampled, as it is, or strided down."""
        if source > target:
            return nn.Sequential(
                conv_norm(widths[source], widths[target], act=None), nn.Upsample(scale_factor=2.0 ** (source - target))
            )
        steps: list[nn.Module] = []
        for step in range(source, target):
            last = step == target - 1
            width = widths[target] if last else widths[source]
            steps.append(conv_norm(widths[source], width, 3, 2, act=None if last else nn.ReLU))
        return nn.Sequential(*steps)

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        mixed = []
        for paths in self.paths:
            total = paths[0](xs[0])
            for path, x in zip(list(paths)[1:], xs[1:], strict=True):
                total = total + path(x)
            mixed.append(total.relu())
        return mixed


class HRNet(nn.Module):
    """HRNet-W: parallel resolutions that keep exchanging, with the classifier's head (Wang et al., 2020)."""

    def __init__(self, width: int = 18, modules: tuple[int, ...] = (1, 4, 3)) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(conv_norm(3, 64, 3, 2), conv_norm(64, 64, 3, 2), bottleneck(64, 256)),
            *(bottleneck(256, 256) for _ in range(3)),
        )
        self.transitions, self.stages = nn.ModuleList(), nn.ModuleList()
        before = [256]
        for stage, count in enumerate(modules, 2):
            widths = [width << level for level in range(stage)]
            self.transitions.append(self.transition(before, widths))
            self.stages.append(nn.ModuleList(self.module(widths) for _ in range(count)))
            before = widths
        heads = (128, 256, 512, 1024)
        self.grow = nn.ModuleList(bottleneck(a, b) for a, b in zip(before, heads, strict=True))
        self.down = nn.ModuleList(conv_norm(a, b, 3, 2) for a, b in pairwise(heads))
        for conv in self.down:
            conv[0].bias = nn.Parameter(torch.empty(conv[0].out_channels))
        self.classify = nn.Sequential(conv_norm(1024, 2048), classifier(2048))

    @staticmethod
    def transition(before: list[int], widths: list[int]) -> nn.ModuleList:
        """Adapts the old resolutions and opens one more from the last."""
        same = [conv_norm(a, b, 3) if a != b else nn.Identity() for a, b in zip(before, widths, strict=False)]
        return nn.ModuleList([*same, conv_norm(before[-1], widths[-1], 3, 2)])

    @staticmethod
    def module(widths: list[int]) -> nn.ModuleList:
        """Four basic blocks a resolution, then an exchange."""
        branches = [nn.Sequential(*(basic(width, width) for _ in range(4))) for width in widths]
        return nn.ModuleList([*branches, Exchange(widths)])

    def forward(self, image: Tensor) -> Tensor:
        xs = [self.stem(image)]
        for transition, modules in zip(self.transitions, self.stages, strict=True):
            xs = [step(x) for step, x in zip(transition, [*xs, xs[-1]], strict=True)]
            for module in modules:
                *branches, exchange = module
                xs = exchange([branch(x) for branch, x in zip(branches, xs, strict=True)])
        y = self.grow[0](xs[0])
        for down, grow, x in zip(self.down, list(self.grow)[1:], xs[1:], strict=True):
            y = down(y) + grow(x)
        return self.classify(y)


class Tree(nn.Module):
    """Deep layer aggregation over a binary tree of blocks (Yu et al., 2018); `extra` counts handed-down inputs."""

    def __init__(self, levels: int, c_in: int, c_out: int, stride: int, extra: int = 0, root: bool = False) -> None:
        super().__init__()
        extra = (extra or 2 * c_out) + (c_in if root else 0)
        self.root, self.levels = root, levels
        self.shrink = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        if levels == 1:
            self.left, self.right = AddBlock(c_in, c_out, stride), AddBlock(c_out, c_out, 1)
            self.join = conv_norm(extra, c_out)
            self.project = conv_norm(c_in, c_out, act=None) if c_in != c_out else nn.Identity()
        else:
            self.left = Tree(levels - 1, c_in, c_out, stride)
            self.right = Tree(levels - 1, c_out, c_out, 1, extra=extra + c_out)

    def forward(self, x: Tensor, handed: list[Tensor] | None = None) -> Tensor:
        handed = list(handed or [])
        small = self.shrink(x) if self.root or self.levels == 1 else x
        if self.root:
            handed.append(small)
        if self.levels == 1:
            left = self.left(x, self.project(small))
            return self.join(torch.cat([self.right(left, left), left, *handed], dim=1))
        left = self.left(x)
        return self.right(left, [*handed, left])


class AddBlock(nn.Module):
    """Two 3 x 3 convolutions plus a given residual."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_norm(c_in, c_out, 3, stride), conv_norm(c_out, c_out, 3, act=None))

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return (self.body(x) + residual).relu()


def dla34() -> nn.Module:
    """DLA-34 (Yu et al., 2018)."""
    return nn.Sequential(
        *(conv_norm(3, 16, 7), conv_norm(16, 16, 3), conv_norm(16, 32, 3, 2)),
        *(Tree(1, 32, 64, 2), Tree(2, 64, 128, 2, root=True), Tree(2, 128, 256, 2, root=True)),
        *(Tree(1, 256, 512, 2, root=True), classifier(512)),
    )
