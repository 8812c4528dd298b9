"""Networks that split, join and reuse: DenseNet, SqueezeNet, ShuffleNet-v2, GhostNet, Res2Net, FractalNet.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import Branches, Residual, SqueezeExcite, classifier, conv_norm, divisible


class DenseBlock(nn.Module):
    """Every layer reads the concatenation of all before it (Huang et al., 2017)."""

    def __init__(self, c_in: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(self.layer(c_in + index * growth, growth) for index in range(layers))

    @staticmethod
    def layer(c_in: int, growth: int) -> nn.Sequential:
        """Norm, 1 x 1 bottleneck, norm, 3 x 3 convolution."""
        return nn.Sequential(
            *(nn.BatchNorm2d(c_in), nn.ReLU(), conv_norm(c_in, 4 * growth)),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, dim=1)))
        return torch.cat(features, dim=1)


def densenet(blocks: tuple[int, ...], growth: int = 32, *, cifar: bool = False) -> nn.Module:
    """DenseNet-BC; `cifar` takes 32 x 32 images and ten classes."""
    channels = 2 * growth
    stem = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    layers: list[nn.Module] = [*stem] if cifar else [conv_norm(3, channels, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for index, size in enumerate(blocks):
        layers.append(DenseBlock(channels, growth, size))
        channels += size * growth
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        if index < len(blocks) - 1:
            layers += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, classifier(channels, 10 if cifar else 1000))


def squeezenet() -> nn.Module:
    """SqueezeNet 1.1 with simple bypass (Iandola et al., 2016)."""

    def fire(c_in: int, squeeze: int, expand: int) -> nn.Module:
        split = Branches(
            nn.Sequential(nn.Conv2d(squeeze, expand, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(squeeze, expand, 3, padding=1), nn.ReLU()),
        )
        body = nn.Sequential(nn.Conv2d(c_in, squeeze, 1), nn.ReLU(), split)
        return Residual(body) if c_in == 2 * expand else body

    return nn.Sequential(
        *(nn.Conv2d(3, 64, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(fire(64, 16, 64), fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(fire(128, 32, 128), fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(fire(256, 48, 192), fire(384, 48, 192), fire(384, 64, 256), fire(512, 64, 256)),
        *(nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


class ShuffleUnit(nn.Module):
    """Works on one half of the channels, or on both where it shrinks, and shuffles them (Ma et al., 2018)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        half = c_out // 2
        c_body = c_in if stride == 2 else half
        self.body = nn.Sequential(
            conv_norm(c_body, half), conv_norm(half, half, 3, stride, groups=half, act=None), conv_norm(half, half)
        )
        self.side: nn.Module | None = None
        if stride == 2:
            self.side = nn.Sequential(conv_norm(c_in, c_in, 3, 2, groups=c_in, act=None), conv_norm(c_in, half))

    def forward(self, x: Tensor) -> Tensor:
        kept, worked = (self.side(x), x) if self.side else x.chunk(2, dim=1)
        joined = torch.cat([kept, self.body(worked)], dim=1)
        return shuffle(joined)


def shuffle(x: Tensor, groups: int = 2) -> Tensor:
    """Interleaves the groups of channels."""
    batch, channels, height, width = x.shape
    split = x.view(batch, groups, channels // groups, height, width)
    return split.transpose(1, 2).reshape(batch, channels, height, width)


def shufflenet_v2(widths: tuple[int, ...] = (24, 116, 232, 464, 1024)) -> nn.Module:
    """ShuffleNet-v2 at width 1 (Ma et al., 2018)."""
    layers: list[nn.Module] = [conv_norm(3, widths[0], 3, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = widths[0]
    for c_out, units in zip(widths[1:4], (4, 8, 4), strict=True):
        for position in range(units):
            layers.append(ShuffleUnit(c_in, c_out, 1 if position else 2))
            c_in = c_out
    return nn.Sequential(*layers, conv_norm(c_in, widths[4]), classifier(widths[4]))


class Ghost(nn.Module):
    """Half the maps by a convolution, the other half cheaply from those (Han et al., 2020)."""

    def __init__(self, c_in: int, c_out: int, act: type[nn.Module] | None) -> None:
        super().__init__()
        half = -(-c_out // 2)
        self.primary = conv_norm(c_in, half, act=act)
        self.cheap = conv_norm(half, half, 3, groups=half, act=act)

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(x)
        return torch.cat([primary, self.cheap(primary)], dim=1)


# kernel, expanded channels, output channels, squeeze-and-excitation, stride (Han et al., 2020, table 1)
GHOSTNET = (
    (3, 16, 16, False, 1), (3, 48, 24, False, 2), (3, 72, 24, False, 1), (5, 72, 40, True, 2), (5, 120, 40, True, 1),
    (3, 240, 80, False, 2), (3, 200, 80, False, 1), (3, 184, 80, False, 1), (3, 184, 80, False, 1),
    (3, 480, 112, True, 1), (3, 672, 112, True, 1), (5, 672, 160, True, 2), (5, 960, 160, False, 1),
    (5, 960, 160, True, 1), (5, 960, 160, False, 1), (5, 960, 160, True, 1),
)  # fmt: skip


def ghostnet() -> nn.Module:
    """GhostNet at width 1 (Han et al., 2020)."""
    layers: list[nn.Module] = [conv_norm(3, 16, 3, 2)]
    c_in = 16
    for kernel, expanded, c_out, squeeze, stride in GHOSTNET:
        body: list[nn.Module] = [Ghost(c_in, expanded, nn.ReLU)]
        body += [conv_norm(expanded, expanded, kernel, 2, groups=expanded, act=None)] if stride == 2 else []
        body += [SqueezeExcite(expanded, divisible(expanded / 4, 4), nn.Hardsigmoid)] if squeeze else []
        body.append(Ghost(expanded, c_out, None))
        shortcut = None
        if stride == 2 or c_in != c_out:
            thin = conv_norm(c_in, c_in, kernel, stride, groups=c_in, act=None)
            shortcut = nn.Sequential(thin, conv_norm(c_in, c_out, act=None))
        layers.append(Residual(nn.Sequential(*body), shortcut))
        c_in = c_out
    layers += [conv_norm(c_in, 960), nn.AdaptiveAvgPool2d(1), nn.Conv2d(960, 1280, 1), nn.ReLU(), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, 1000))


class Scales(nn.Module):
    """Res2Net's middle layer: each part of the channels also hears from the part before it (Gao et al., 2021)."""

    def __init__(self, width: int, parts: int, stride: int, first: bool) -> None:
        super().__init__()
        self.parts, self.first = parts, first
        self.convs = nn.ModuleList(conv_norm(width, width, 3, stride) for _ in range(parts - 1))
        self.last = nn.AvgPool2d(3, stride, 1) if first else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        pieces = x.chunk(self.parts, dim=1)
        outputs = [self.convs[0](pieces[0])]
        for piece, conv in zip(pieces[1:], list(self.convs)[1:], strict=False):
            outputs.append(conv(piece if self.first else piece + outputs[-1]))
        return torch.cat([*outputs, self.last(pieces[-1])], dim=1)


def res2net50(width: int = 26, parts: int = 4) -> nn.Module:
    """Res2Net-50 26w x 4s (Gao et al., 2021)."""
    layers: list[nn.Module] = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        c_out, part = 256 << stage, width << stage
        for position in range(blocks):
            stride = 2 if stage and not position else 1
            middle = Scales(part, parts, stride, first=not position)
            body = nn.Sequential(conv_norm(c_in, part * parts), middle, conv_norm(part * parts, c_out, act=None))
            layers.append(Residual(body, None if position else conv_norm(c_in, c_out, 1, stride, act=None), nn.ReLU))
            c_in = c_out
    return nn.Sequential(*layers, classifier(c_in))


class Fractal(nn.Module):
    """A convolution beside two smaller fractals in a row, joined by the mean (Larsson et al., 2017)."""

    def __init__(self, c_in: int, c_out: int, columns: int) -> None:
        super().__init__()
        self.short = conv_norm(c_in, c_out, 3)
        self.long = (
            nn.Sequential(Fractal(c_in, c_out, columns - 1), Fractal(c_out, c_out, columns - 1))
            if columns > 1
            else None
        )

    def paths(self, x: Tensor) -> list[Tensor]:
        """Outputs that end here, one a column."""
        if self.long is None:
            return [self.short(x)]
        return [self.short(x), *self.long[1].paths(self.long[0](x))]

    def forward(self, x: Tensor) -> Tensor:
        paths = self.paths(x)
        return torch.stack(paths).mean(dim=0) if len(paths) > 1 else paths[0]


def fractalnet(columns: int = 4) -> nn.Module:
    """FractalNet of five blocks for CIFAR-10 (Larsson et al., 2017)."""
    layers: list[nn.Module] = []
    c_in = 3
    for c_out in (64, 128, 256, 512, 512):
        layers += [Fractal(c_in, c_out, columns), nn.MaxPool2d(2)]
        c_in = c_out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(c_in, 10))
