"""Object detectors up to their raw outputs: YOLOv3, RetinaNet, SSD300.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .dense_prediction import bottleneck
from .layers import conv_norm
from .plain_cnn import LEAKY
from .residual_cnn import darknet53_stages


class YoloV3(nn.Module):
    """YOLOv3 on Darknet-53, three scales (Redmon and Farhadi, 2018)."""

    def __init__(self, classes: int = 80) -> None:
        super().__init__()
        stages = darknet53_stages()
        self.backbone = nn.ModuleList([nn.Sequential(*stages[:3]), stages[3], stages[4]])
        outputs = 3 * (classes + 5)
        self.neck = nn.ModuleList(self.five(c, w) for c, w in ((1024, 512), (768, 256), (384, 128)))
        self.head = nn.ModuleList(
            nn.Sequential(conv_norm(w, 2 * w, 3, act=LEAKY), nn.Conv2d(2 * w, outputs, 1)) for w in (512, 256, 128)
        )
        self.lead = nn.ModuleList(conv_norm(w, w // 2, act=LEAKY) for w in (512, 256))

    @staticmethod
    def five(c_in: int, width: int) -> nn.Sequential:
        """Five convolutions, 1 x 1 and 3 x 3 in turn."""
        widths = (c_in, width, 2 * width, width, 2 * width, width)
        pairs = enumerate(pairwise(widths))
        return nn.Sequential(*(conv_norm(a, b, 3 if index % 2 else 1, act=LEAKY) for index, (a, b) in pairs))

    def forward(self, image: Tensor) -> list[Tensor]:
        features = []
        x = image
        for stage in self.backbone:
            x = stage(x)
            features.append(x)
        x = self.neck[0](features[2])
        outputs = [self.head[0](x)]
        for index, lead in enumerate(self.lead, 1):
            x = torch.cat([F.interpolate(lead(x), scale_factor=2.0), features[2 - index]], dim=1)
            x = self.neck[index](x)
            outputs.append(self.head[index](x))
        return outputs


class RetinaNet(nn.Module):
    """RetinaNet: ResNet-50, feature pyramid, two heads shared by five levels (Lin et al., 2017)."""

    def __init__(self, classes: int = 80, anchors: int = 9, width: int = 256) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1))
        self.stages = nn.ModuleList()
        c_in = 64
        for stage, blocks in enumerate((3, 4, 6, 3)):
            c_out = 256 << stage
            first = bottleneck(c_in, c_out, 2 if stage else 1)
            self.stages.append(nn.Sequential(first, *(bottleneck(c_out, c_out) for _ in range(blocks - 1))))
            c_in = c_out
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in (512, 1024, 2048))
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(3))
        self.p6 = nn.Conv2d(2048, width, 3, 2, 1)
        self.p7 = nn.Conv2d(width, width, 3, 2, 1)
        self.classes = self.subnet(width, anchors * classes)
        self.boxes = self.subnet(width, anchors * 4)

    @staticmethod
    def subnet(width: int, outputs: int) -> nn.Sequential:
        """Four convolutions with ReLU and a last one."""
        convs = (layer for _ in range(4) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.ReLU()))
        return nn.Sequential(*convs, nn.Conv2d(width, outputs, 3, padding=1))

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        c3, c4, c5 = features[1:]
        p5 = self.lateral[2](c5)
        p4 = self.lateral[1](c4) + F.interpolate(p5, scale_factor=2.0)
        p3 = self.lateral[0](c3) + F.interpolate(p4, scale_factor=2.0)
        levels = [smooth(p) for smooth, p in zip(self.smooth, (p3, p4, p5), strict=True)]
        p6 = self.p6(c5)
        levels += [p6, self.p7(p6.relu())]
        return [head(level) for head in (self.classes, self.boxes) for level in levels]


class Ssd300(nn.Module):
    """SSD300 on VGG-16, six scales (Liu et al., 2016)."""

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self.early = nn.Sequential(
            *(self.conv(3, 64), self.conv(64, 64), nn.MaxPool2d(2), self.conv(64, 128), self.conv(128, 128)),
            *(nn.MaxPool2d(2), self.conv(128, 256), self.conv(256, 256), self.conv(256, 256)),
            *(nn.MaxPool2d(2, ceil_mode=True), self.conv(256, 512), self.conv(512, 512), self.conv(512, 512)),
        )
        self.scale = nn.Parameter(torch.empty(1, 512, 1, 1))
        self.late = nn.Sequential(
            *(nn.MaxPool2d(2), self.conv(512, 512), self.conv(512, 512), self.conv(512, 512)),
            *(nn.MaxPool2d(3, 1, 1), nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.ReLU()),
            self.conv(1024, 1024, 1, padding=0),
        )
        extra = ((1024, 256, 512, 2, 1), (512, 128, 256, 2, 1), (256, 128, 256, 1, 0), (256, 128, 256, 1, 0))
        self.extras = nn.ModuleList(
            nn.Sequential(self.conv(a, b, 1, padding=0), self.conv(b, c, 3, stride, padding))
            for a, b, c, stride, padding in extra
        )
        scales = tuple(zip((512, 1024, 512, 256, 256, 256), (4, 6, 6, 6, 4, 4), strict=True))
        self.classes = nn.ModuleList(nn.Conv2d(c, boxes * classes, 3, padding=1) for c, boxes in scales)
        self.boxes = nn.ModuleList(nn.Conv2d(c, boxes * 4, 3, padding=1) for c, boxes in scales)

    @staticmethod
    def conv(c_in: int, c_out: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> nn.Sequential:
        """Convolution and ReLU."""
        return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, padding), nn.ReLU())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.early(image)
        features = [F.normalize(x, dim=1) * self.scale, self.late(x)]
        for extra in self.extras:
            features.append(extra(features[-1]))
        return self.gather(self.classes, features), self.gather(self.boxes, features)

    @staticmethod
    def gather(heads: nn.ModuleList, features: list[Tensor]) -> Tensor:
        """Outputs of all scales in one row."""
        return torch.cat([h(f).permute(0, 2, 3, 1).flatten(1) for h, f in zip(heads, features, strict=True)], dim=1)
