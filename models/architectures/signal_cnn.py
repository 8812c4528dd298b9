"""Convolutional networks for sound, text and image restoration: all of them chains with shortcuts.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from torch import Tensor, nn

from .layers import Residual


class Causal(nn.Module):
    """Dilated one-dimensional convolution that sees no future: the right-hand padding is cut off."""

    def __init__(self, c_in: int, c_out: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.padding = (kernel - 1) * dilation
        self.conv = nn.Conv1d(c_in, c_out, kernel, padding=self.padding, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)[:, :, : -self.padding]


def tcn(channels: tuple[int, ...] = (600,) * 4, kernel: int = 3, vocabulary: int = 10000) -> nn.Module:
    """Temporal convolutional network for word language modelling (Bai et al., 2018)."""
    embedding = channels[-1]
    layers: list[nn.Module] = []
    c_in = embedding
    for level, c_out in enumerate(channels):
        body = nn.Sequential(
            *(Causal(c_in, c_out, kernel, 1 << level), nn.ReLU()),
            *(Causal(c_out, c_out, kernel, 1 << level), nn.ReLU()),
        )
        layers.append(Residual(body, nn.Conv1d(c_in, c_out, 1) if c_in != c_out else None, nn.ReLU))
        c_in = c_out
    return nn.Sequential(
        nn.Embedding(vocabulary, embedding), Transpose(), *layers, Transpose(), nn.Linear(c_in, vocabulary)
    )


class Transpose(nn.Module):
    """Swaps the last two axes."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def wav2letter(classes: int = 40) -> nn.Module:
    """Wav2Letter on raw sound (Collobert et al., 2016)."""
    return nn.Sequential(
        *(nn.Conv1d(1, 250, 250, 160, 45), nn.ReLU(), nn.Conv1d(250, 250, 48, 2, 23), nn.ReLU()),
        *(layer for _ in range(7) for layer in (nn.Conv1d(250, 250, 7, padding=3), nn.ReLU())),
        *(nn.Conv1d(250, 2000, 32, padding=16), nn.ReLU(), nn.Conv1d(2000, 2000, 1), nn.ReLU()),
        *(nn.Conv1d(2000, classes, 1), nn.ReLU()),
    )


def vdcnn(blocks: tuple[int, ...] = (10, 10, 4, 4), characters: int = 69, classes: int = 14) -> nn.Module:
    """Very deep character network of 29 layers with shortcuts, k-max pooling of 8 (Conneau et al., 2017)."""

    def conv(c_in: int, c_out: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv1d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm1d(c_out)]

    layers: list[nn.Module] = [nn.Embedding(characters, 16), Transpose(), nn.Conv1d(16, 64, 3, padding=1)]
    c_in = 64
    for stage, convs in enumerate(blocks):
        c_out = 64 << stage
        for position in range(convs // 2):
            stride = 2 if stage and not position else 1
            body = nn.Sequential(*conv(c_in, c_out, stride), nn.ReLU(), *conv(c_out, c_out))
            project = nn.Conv1d(c_in, c_out, 1, stride, bias=False) if stride == 2 else None
            layers.append(Residual(body, project, nn.ReLU))
            c_in = c_out
    hidden = 2048
    return nn.Sequential(
        *(*layers, KMax(8), nn.Flatten(), nn.Linear(8 * c_in, hidden), nn.ReLU()),
        *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, classes)),
    )


class KMax(nn.Module):
    """The k largest values along time."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: Tensor) -> Tensor:
        return x.topk(self.k, dim=-1).values


def dncnn(depth: int = 17, channels: int = 64) -> nn.Module:
    """DnCNN for grey images: predicts the noise and takes it away (Zhang et al., 2017)."""
    layers: list[nn.Module] = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()]
    for _ in range(depth - 2):
        layers += [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    return Residual(nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding=1)))


def edsr(blocks: int = 16, channels: int = 64, scale: int = 2) -> nn.Module:
    """EDSR baseline for super-resolution (Lim et al., 2017)."""

    def conv(c_in: int, c_out: int) -> nn.Module:
        return nn.Conv2d(c_in, c_out, 3, padding=1)

    body = [
        Residual(nn.Sequential(conv(channels, channels), nn.ReLU(), conv(channels, channels))) for _ in range(blocks)
    ]
    return nn.Sequential(
        conv(3, channels),
        Residual(nn.Sequential(*body, conv(channels, channels))),
        *(conv(channels, channels * scale**2), nn.PixelShuffle(scale), conv(channels, 3)),
    )
