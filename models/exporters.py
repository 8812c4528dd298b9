"""The three roads from an architecture to a graph: torch.export, a Hugging Face configuration, an ONNX file.

Knows nothing of which models the zoo has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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

    @property
    def road(self) -> str:
        """The exporter, the file of the architecture, and the shapes of the inputs."""
        made_by = self.build.func if isinstance(self.build, partial) else self.build
        shapes = " and ".join("x".join(map(str, given.shape)) for given in self.inputs)
        return f"torch.export of architectures/{made_by.__module__.rpartition('.')[2]}.py, input {shapes}"

    def graph(self, name: str, source: str) -> OpGraph:
        with torch.device("meta"):
            module = self.build()
            examples = tuple(torch.zeros(given.shape, dtype=given.dtype) for given in self.inputs)
        return export_module(module, examples, name, source=source)


@dataclass(frozen=True)
class Config:
    """A configuration for the transformers package.

    Attributes:
        settings: what differs from the architecture's defaults.
        head: ending of an auto class.
        tokens: tokens of a text, or of each side of a sequence-to-sequence model; None where images come in.
    """

    settings: dict[str, Any]
    head: str = ""
    tokens: int | None = None

    @property
    def road(self) -> str:
        """The exporter, the architecture's name in the package, and the tokens."""
        tokens = f", {self.tokens} tokens" if self.tokens else ""
        return f"torch.export of transformers {self.settings['model_type']}{tokens}"

    def graph(self, name: str, source: str) -> OpGraph:
        return import_config(self.settings, name, head=self.head, sequence=self.tokens or 1, source=source)


@dataclass(frozen=True)
class OnnxFile:
    """A file shipped inside the onnx package, its weights replaced by fills."""

    file: str

    @property
    def road(self) -> str:
        """The package and the file."""
        return f"{self.file} of the onnx package"

    def graph(self, name: str, source: str) -> OpGraph:
        folder = resources.files("onnx") / "backend" / "test" / "data" / "light"
        with resources.as_file(folder / self.file) as path:
            return replace(import_onnx(path), name=name, source=source)


Road = Module | Config | OnnxFile
