"""Inception-v3, Inception-v4 and Inception-ResNet-v2: parallel towers of convolutions, concatenated.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .layers import Branches, Residual, classifier, conv_norm

Step = tuple[int, int | tuple[int, int]] | tuple[int, int | tuple[int, int], int]


def tower(c_in: int, *steps: Step) -> nn.Sequential:
    """Convolutions of (channels, kernel); a third item is the stride, and then nothing is padded."""
    layers = []
    for step in steps:
        if len(step) == 3:
            layers.append(conv_norm(c_in, step[0], step[1], step[2], padding=0))
        else:
            layers.append(conv_norm(c_in, step[0], step[1]))
        c_in = step[0]
    return nn.Sequential(*layers)


def pooled(c_in: int, c_out: int) -> nn.Sequential:
    """Average pooling of neighbours, then a 1 x 1 convolution."""
    return nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), conv_norm(c_in, c_out))


class Fork(nn.Module):
    """A tower whose end splits once more."""

    def __init__(self, trunk: nn.Module, *ends: nn.Module) -> None:
        super().__init__()
        self.trunk, self.ends = trunk, Branches(*ends)

    def forward(self, x: Tensor) -> Tensor:
        return self.ends(self.trunk(x))


def inception_v3() -> nn.Module:
    """Inception-v3 without its auxiliary classifier (Szegedy et al., 2016)."""

    def module_a(c_in: int, pool: int) -> nn.Module:
        return Branches(
            tower(c_in, (64, 1)),
            tower(c_in, (48, 1), (64, 5)),
            tower(c_in, (64, 1), (96, 3), (96, 3)),
            pooled(c_in, pool),
        )

    def module_b(mid: int) -> nn.Module:
        wide, tall = (1, 7), (7, 1)
        return Branches(
            tower(768, (192, 1)),
            tower(768, (mid, 1), (mid, wide), (192, tall)),
            tower(768, (mid, 1), (mid, tall), (mid, wide), (mid, tall), (192, wide)),
            pooled(768, 192),
        )

    def module_c(c_in: int) -> nn.Module:
        def ends() -> tuple[nn.Module, nn.Module]:
            return tower(384, (384, (1, 3))), tower(384, (384, (3, 1)))

        return Branches(
            tower(c_in, (320, 1)),
            Fork(tower(c_in, (384, 1)), *ends()),
            Fork(tower(c_in, (448, 1), (384, 3)), *ends()),
            pooled(c_in, 192),
        )

    return nn.Sequential(
        tower(3, (32, 3, 2), (32, 3, 1), (64, 3)),
        nn.MaxPool2d(3, 2),
        tower(64, (80, 1), (192, 3, 1)),
        nn.MaxPool2d(3, 2),
        *(module_a(192, 32), module_a(256, 64), module_a(288, 64)),
        Branches(tower(288, (384, 3, 2)), tower(288, (64, 1), (96, 3), (96, 3, 2)), nn.MaxPool2d(3, 2)),
        *(module_b(mid) for mid in (128, 160, 160, 192)),
        Branches(
            tower(768, (192, 1), (320, 3, 2)),
            tower(768, (192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)),
            nn.MaxPool2d(3, 2),
        ),
        *(module_c(1280), module_c(2048)),
        classifier(2048),
    )


def inception_v4() -> nn.Module:
    """Inception-v4 (Szegedy et al., 2017, figures 3 to 9)."""

    def module_a() -> nn.Module:
        return Branches(
            tower(384, (96, 1)),
            tower(384, (64, 1), (96, 3)),
            tower(384, (64, 1), (96, 3), (96, 3)),
            pooled(384, 96),
        )

    def module_b() -> nn.Module:
        wide, tall = (1, 7), (7, 1)
        return Branches(
            tower(1024, (384, 1)),
            tower(1024, (192, 1), (224, wide), (256, tall)),
            tower(1024, (192, 1), (192, tall), (224, wide), (224, tall), (256, wide)),
            pooled(1024, 128),
        )

    def module_c() -> nn.Module:
        def ends(c_in: int) -> tuple[nn.Module, nn.Module]:
            return tower(c_in, (256, (1, 3))), tower(c_in, (256, (3, 1)))

        return Branches(
            tower(1536, (256, 1)),
            Fork(tower(1536, (384, 1)), *ends(384)),
            Fork(tower(1536, (384, 1), (448, (3, 1)), (512, (1, 3))), *ends(512)),
            pooled(1536, 256),
        )

    return nn.Sequential(
        *_v4_stem(),
        *(module_a() for _ in range(4)),
        Branches(tower(384, (384, 3, 2)), tower(384, (192, 1), (224, 3), (256, 3, 2)), nn.MaxPool2d(3, 2)),
        *(module_b() for _ in range(7)),
        Branches(
            tower(1024, (192, 1), (192, 3, 2)),
            tower(1024, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2)),
            nn.MaxPool2d(3, 2),
        ),
        *(module_c() for _ in range(3)),
        classifier(1536),
    )


def _v4_stem() -> Sequence[nn.Module]:
    """The stem of Inception-v4, which forks three times."""
    return (
        tower(3, (32, 3, 2), (32, 3, 1), (64, 3)),
        Branches(nn.MaxPool2d(3, 2), tower(64, (96, 3, 2))),
        Branches(
            tower(160, (64, 1), (96, 3, 1)),
            tower(160, (64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3, 1)),
        ),
        Branches(tower(192, (192, 3, 2)), nn.MaxPool2d(3, 2)),
    )


class Scaled(nn.Module):
    """Damps a residual before it is added (Szegedy et al., 2017, section 3.3)."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def inception_resnet_v2() -> nn.Module:
    """Inception-ResNet-v2 with the Inception-v3 stem of the authors' release (Szegedy et al., 2017)."""

    def residual(channels: int, mixed: int, scale: float, *towers: nn.Module, last: bool = False) -> nn.Module:
        body = nn.Sequential(Branches(*towers), nn.Conv2d(mixed, channels, 1), Scaled(scale))
        return Residual(body, act=None if last else nn.ReLU)

    def block_a() -> nn.Module:
        towers = tower(320, (32, 1)), tower(320, (32, 1), (32, 3)), tower(320, (32, 1), (48, 3), (64, 3))
        return residual(320, 128, 0.17, *towers)

    def block_b() -> nn.Module:
        return residual(1088, 384, 0.1, tower(1088, (192, 1)), tower(1088, (128, 1), (160, (1, 7)), (192, (7, 1))))

    def block_c(last: bool = False) -> nn.Module:
        towers = tower(2080, (192, 1)), tower(2080, (192, 1), (224, (1, 3)), (256, (3, 1)))
        return residual(2080, 448, 1.0 if last else 0.2, *towers, last=last)

    return nn.Sequential(
        *(tower(3, (32, 3, 2), (32, 3, 1), (64, 3)), nn.MaxPool2d(3, 2)),
        *(tower(64, (80, 1), (192, 3, 1)), nn.MaxPool2d(3, 2)),
        Branches(
            tower(192, (96, 1)),
            *(tower(192, (48, 1), (64, 5)), tower(192, (64, 1), (96, 3), (96, 3)), pooled(192, 64)),
        ),
        *(block_a() for _ in range(10)),
        Branches(tower(320, (384, 3, 2)), tower(320, (256, 1), (256, 3), (384, 3, 2)), nn.MaxPool2d(3, 2)),
        *(block_b() for _ in range(20)),
        Branches(
            *(tower(1088, (256, 1), (384, 3, 2)), tower(1088, (256, 1), (288, 3, 2))),
            *(tower(1088, (256, 1), (288, 3), (320, 3, 2)), nn.MaxPool2d(3, 2)),
        ),
        *(block_c(last=index == 9) for index in range(10)),
        *(conv_norm(2080, 1536), classifier(1536)),
    )
