"""Residual convolutional networks: chains of blocks whose only detour is a shortcut or a gate.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Residual, SqueezeExcite, classifier, conv_norm, separable_conv
from .plain_cnn import LEAKY


class PadShortcut(nn.Module):
    """Parameter-free shortcut: every second pixel, new channels zero (He et al., 2016, option A)."""

    def __init__(self, extra: int) -> None:
        super().__init__()
        self.extra = extra

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra // 2, self.extra // 2))


def cifar_resnet(depth: int) -> nn.Module:
    """CIFAR-10 ResNet of depth 6n + 2 (He et al., 2016, section 4.2)."""
    blocks: list[nn.Module] = [conv_norm(3, 16, 3)]
    c_in = 16
    for channels in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            shrinks = channels != c_in
            body = nn.Sequential(
                conv_norm(c_in, channels, 3, 2 if shrinks else 1), conv_norm(channels, channels, 3, act=None)
            )
            blocks.append(Residual(body, PadShortcut(channels - c_in) if shrinks else None, nn.ReLU))
            c_in = channels
    return nn.Sequential(*blocks, classifier(64, 10))


class PreActivation(nn.Module):
    """Pre-activation block of two 3 x 3 convolutions (He et al., 2016b)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.BatchNorm2d(c_in), nn.ReLU())
        self.body = nn.Sequential(conv_norm(c_in, c_out, 3, stride), nn.Conv2d(c_out, c_out, 3, padding=1, bias=False))
        self.project = nn.Conv2d(c_in, c_out, 1, stride, bias=False) if c_in != c_out else None

    def forward(self, x: Tensor) -> Tensor:
        active = self.enter(x)
        return self.body(active) + (self.project(active) if self.project else x)


def wide_resnet_cifar(depth: int = 28, width: int = 10) -> nn.Module:
    """Wide ResNet for CIFAR (Zagoruyko and Komodakis, 2016)."""
    blocks: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False)]
    c_in = 16
    for stage, channels in enumerate((16 * width, 32 * width, 64 * width)):
        for position in range((depth - 4) // 6):
            blocks.append(PreActivation(c_in, channels, 2 if stage and not position else 1))
            c_in = channels
    return nn.Sequential(*blocks, nn.BatchNorm2d(c_in), nn.ReLU(), classifier(c_in, 10))


def bottleneck_resnet(
    stages: tuple[int, ...], *, groups: int = 1, base_width: int = 64, squeeze: bool = False
) -> nn.Module:
    """ImageNet ResNet of bottlenecks and its variants.

    Args:
        stages: blocks in each stage.
        groups: groups of the 3 x 3 convolutions (ResNeXt; Xie et al., 2017).
        base_width: inner channels per group at the first stage; 128 doubles them (Wide ResNet).
        squeeze: whether a squeeze-and-excitation gate ends each block (Hu et al., 2018).
    """
    layers: list[nn.Module] = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = 64
    for stage, blocks in enumerate(stages):
        c_out = 256 << stage
        inner = (64 << stage) * base_width // 64 * groups
        for position in range(blocks):
            stride = 2 if stage and not position else 1
            body = [conv_norm(c_in, inner), conv_norm(inner, inner, 3, stride, groups=groups)]
            body.append(conv_norm(inner, c_out, act=None))
            body += [SqueezeExcite(c_out, c_out // 16)] if squeeze else []
            project = conv_norm(c_in, c_out, 1, stride, act=None) if not position else None
            layers.append(Residual(nn.Sequential(*body), project, nn.ReLU))
            c_in = c_out
    return nn.Sequential(*layers, classifier(c_in))


def darknet53(classes: int = 1000) -> nn.Module:
    """Darknet-53, the backbone of YOLOv3 (Redmon and Farhadi, 2018)."""
    return nn.Sequential(*darknet53_stages(), classifier(1024, classes))


def darknet53_stages() -> list[nn.Module]:
    """The five stages of Darknet-53, the stem in the first."""
    stages: list[nn.Module] = []
    for index, blocks in enumerate((1, 2, 8, 8, 4)):
        channels = 64 << index
        layers: list[nn.Module] = [] if index else [conv_norm(3, 32, 3, act=LEAKY)]
        layers.append(conv_norm(channels // 2, channels, 3, 2, act=LEAKY))
        for _ in range(blocks):
            body = (conv_norm(channels, channels // 2, act=LEAKY), conv_norm(channels // 2, channels, 3, act=LEAKY))
            layers.append(Residual(nn.Sequential(*body)))
        stages.append(nn.Sequential(*layers))
    return stages


def xception() -> nn.Module:
    """Xception (Chollet, 2017)."""

    def block(c_in: int, c_out: int, widths: tuple[int, ...], *, stride: int, first_relu: bool = True) -> nn.Module:
        body: list[nn.Module] = []
        channels = c_in
        for index, width in enumerate(widths):
            body += [nn.ReLU()] if index or first_relu else []
            body.append(separable_conv(channels, width))
            channels = width
        body += [nn.MaxPool2d(3, 2, 1)] if stride == 2 else []
        project = conv_norm(c_in, c_out, 1, stride, act=None) if stride == 2 else None
        return Residual(nn.Sequential(*body), project)

    return nn.Sequential(
        *(conv_norm(3, 32, 3, 2, padding=0), conv_norm(32, 64, 3, padding=0)),
        block(64, 128, (128, 128), stride=2, first_relu=False),
        *(block(128, 256, (256, 256), stride=2), block(256, 728, (728, 728), stride=2)),
        *(block(728, 728, (728, 728, 728), stride=1) for _ in range(8)),
        block(728, 1024, (728, 1024), stride=2),
        *(separable_conv(1024, 1536), nn.ReLU(), separable_conv(1536, 2048), nn.ReLU()),
        classifier(2048),
    )


def convmixer(width: int = 768, depth: int = 32, kernel: int = 7, patch: int = 7) -> nn.Module:
    """ConvMixer with GELU (Trockman and Kolter, 2022)."""

    def active(*layers: nn.Module) -> nn.Sequential:
        return nn.Sequential(*layers, nn.GELU(), nn.BatchNorm2d(width))

    return nn.Sequential(
        active(nn.Conv2d(3, width, patch, patch)),
        *(
            nn.Sequential(
                Residual(active(nn.Conv2d(width, width, kernel, groups=width, padding=kernel // 2))),
                active(nn.Conv2d(width, width, 1)),
            )
            for _ in range(depth)
        ),
        classifier(width),
    )
