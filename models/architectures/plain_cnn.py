"""Convolutional networks that are one chain: LeNet, AlexNet, VGG, Network in Network, Darknet-19.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from functools import partial

from torch import nn

from .layers import conv_norm

VGG_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
LEAKY = partial(nn.LeakyReLU, 0.1)


def lenet5() -> nn.Module:
    """LeNet-5 for 32 x 32 digits (LeCun et al., 1998), with full connections between maps."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.Tanh()),
        *(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    )


def alexnet() -> nn.Module:
    """AlexNet on one device (Krizhevsky, 2014)."""
    return nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *_fully_connected(256 * 6 * 6),
    )


def vgg(depth: int, norm: bool = False) -> nn.Module:
    """VGG configurations A, B, D and E by depth (Simonyan and Zisserman, 2015); `norm` adds batch norm."""
    layers: list[nn.Module] = []
    c_in = 3
    for convs, channels in zip(VGG_STAGES[depth], (64, 128, 256, 512, 512), strict=True):
        for _ in range(convs):
            layers.append(nn.Conv2d(c_in, channels, 3, padding=1))
            layers += [nn.BatchNorm2d(channels)] if norm else []
            layers.append(nn.ReLU())
            c_in = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, *_fully_connected(512 * 7 * 7))


def _fully_connected(features: int) -> list[nn.Module]:
    """The two wide hidden layers and the output layer of AlexNet and VGG."""
    hidden = 4096
    return [
        nn.Flatten(),
        *(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()),
        nn.Linear(hidden, 1000),
    ]


def network_in_network() -> nn.Module:
    """Network in Network for CIFAR-10 (Lin et al., 2014)."""

    def block(c_in: int, widths: tuple[int, int, int], kernel: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for width, size in zip(widths, (kernel, 1, 1), strict=True):
            layers += [nn.Conv2d(c_in, width, size, padding=size // 2), nn.ReLU()]
            c_in = width
        return layers

    return nn.Sequential(
        *(*block(3, (192, 160, 96), 5), nn.MaxPool2d(3, 2, 1)),
        *(*block(96, (192, 192, 192), 5), nn.AvgPool2d(3, 2, 1)),
        *(*block(192, (192, 192, 10), 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def darknet19() -> nn.Module:
    """Darknet-19, the backbone of YOLOv2 (Redmon and Farhadi, 2017)."""
    layers: list[nn.Module] = []
    c_in = 3
    for index, (channels, convs) in enumerate(((32, 1), (64, 1), (128, 3), (256, 3), (512, 5), (1024, 5))):
        layers += [nn.MaxPool2d(2)] if index else []
        for position in range(convs):
            squeeze = position % 2 == 1
            c_out = channels // 2 if squeeze else channels
            layers.append(conv_norm(c_in, c_out, 1 if squeeze else 3, act=LEAKY))
            c_in = c_out
    return nn.Sequential(*layers, nn.Conv2d(1024, 1000, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
