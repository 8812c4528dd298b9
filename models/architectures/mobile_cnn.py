"""Mobile networks built of inverted residuals: MobileNetV3 and MNASNet.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from torch import nn

from .layers import Activation, Residual, SqueezeExcite, conv_norm, divisible

# kernel, expanded channels, output channels, squeeze-and-excitation, hard swish, stride (Howard et al., 2019, table 1)
LARGE = (
    (3, 16, 16, False, False, 1), (3, 64, 24, False, False, 2), (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2), (5, 120, 40, True, False, 1), (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2), (3, 200, 80, False, True, 1), (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1), (3, 480, 112, True, True, 1), (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2), (5, 960, 160, True, True, 1), (5, 960, 160, True, True, 1),
)  # fmt: skip
# the same (Howard et al., 2019, table 2)
SMALL = (
    (3, 16, 16, True, False, 2), (3, 72, 24, False, False, 2), (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2), (5, 240, 40, True, True, 1), (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1), (5, 144, 48, True, True, 1), (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1), (5, 576, 96, True, True, 1),
)  # fmt: skip
# kernel, expansion, output channels, blocks, stride (Tan et al., 2019, figure 7 without squeeze-and-excitation)
MNASNET_B1 = (
    (3, 3, 24, 3, 2),
    (5, 3, 40, 3, 2),
    (5, 6, 80, 3, 2),
    (3, 6, 96, 2, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)


def inverted_residual(
    c_in: int, expanded: int, c_out: int, kernel: int, stride: int, act: Activation, squeeze: int = 0
) -> nn.Module:
    """Expansion, depthwise convolution, optional gate of `squeeze` hidden channels, projection."""
    body = [conv_norm(c_in, expanded, act=act)] if expanded != c_in else []
    body.append(conv_norm(expanded, expanded, kernel, stride, groups=expanded, act=act))
    body += [SqueezeExcite(expanded, squeeze, nn.Hardsigmoid)] if squeeze else []
    body.append(conv_norm(expanded, c_out, act=None))
    return Residual(nn.Sequential(*body)) if stride == 1 and c_in == c_out else nn.Sequential(*body)


def mobilenet_v3(size: str) -> nn.Module:
    """MobileNetV3 (Howard et al., 2019); `size` is large or small."""
    table, head = (LARGE, (960, 1280)) if size == "large" else (SMALL, (576, 1024))
    layers: list[nn.Module] = [conv_norm(3, 16, 3, 2, act=nn.Hardswish)]
    c_in = 16
    for kernel, expanded, c_out, squeeze, hard_swish, stride in table:
        act = nn.Hardswish if hard_swish else nn.ReLU
        layers.append(
            inverted_residual(c_in, expanded, c_out, kernel, stride, act, divisible(expanded / 4) if squeeze else 0)
        )
        c_in = c_out
    layers += [conv_norm(c_in, head[0], act=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(*head), nn.Hardswish(), nn.Linear(head[1], 1000))


def mnasnet() -> nn.Module:
    """MNASNet-B1 at width 1 (Tan et al., 2019)."""
    layers: list[nn.Module] = [
        *(conv_norm(3, 32, 3, 2), conv_norm(32, 32, 3, groups=32), conv_norm(32, 16, act=None)),
    ]
    c_in = 16
    for kernel, expansion, c_out, blocks, stride in MNASNET_B1:
        for position in range(blocks):
            layers.append(inverted_residual(c_in, c_in * expansion, c_out, kernel, 1 if position else stride, nn.ReLU))
            c_in = c_out
    return nn.Sequential(*layers, conv_norm(c_in, 1280), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))
