"""The three roads from an architecture to a graph: torch.export, a Hugging Face configuration, an ONNX file.

Knows nothing of which models the zoo has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

import torch
from torch import nn

from chipzinc.graph.importers.hugging_face import import_config
from chipzinc.graph.importers.onnx_file import import_onnx
from chipzinc.graph.importers.torch_export import export_module
from chipzinc.graph.opgraph import OpGraph


@dataclass(frozen=True)
class Input:
    """Shape and type of one example input."""

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32


def image(side: int, channels: int = 3) -> Input:
    """A square image, batch 1."""
    return Input((1, channels, side, side))


def tokens(length: int) -> Input:
    """The tokens of one text."""
    return Input((1, length), torch.long)


@dataclass(frozen=True)
class Module:
    """A module of `architectures/`, built on the `meta` device: shapes without numbers."""

    build: Callable[[], nn.Module]
    inputs: tuple[Input, ...]
    road = "torch.export"

    def graph(self, name: str, source: str) -> OpGraph:
        with torch.device("meta"):
            module = self.build()
            examples = tuple(torch.zeros(given.shape, dtype=given.dtype) for given in self.inputs)
        return export_module(module, examples, name, source=source)


@dataclass(frozen=True)
class Config:
    """A configuration for the transformers package; `head` is the ending of an auto class."""

    settings: dict[str, Any]
    head: str = ""
    sequence: int = 128
    road = "torch.export of transformers"

    def graph(self, name: str, source: str) -> OpGraph:
        return import_config(self.settings, name, head=self.head, sequence=self.sequence, source=source)


@dataclass(frozen=True)
class OnnxFile:
    """A file shipped inside the onnx package, its weights replaced by fills."""

    file: str
    road = "ONNX file of the onnx package"

    def graph(self, name: str, source: str) -> OpGraph:
        folder = resources.files("onnx") / "backend" / "test" / "data" / "light"
        with resources.as_file(folder / self.file) as path:
            return replace(import_onnx(path), name=name, source=source)


Road = Module | Config | OnnxFile
