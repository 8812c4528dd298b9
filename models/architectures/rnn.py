"""Recurrent networks unrolled step by step, as a compiler sees them: language models, taggers, recognisers.

Every step is its own ops and reads the same weights. Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

CELLS: dict[str, type[nn.RNNCellBase]] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "tanh": nn.RNNCell}
Steps = list[Tensor]


class RecurrentLayer(nn.Module):
    """One layer of a cell over a list of steps, each of shape [1, feature]; the state starts at zero."""

    def __init__(self, cell: str, c_in: int, hidden: int, *, backward: bool = False, residual: bool = False) -> None:
        super().__init__()
        self.cell = CELLS[cell](c_in, hidden)
        self.hidden, self.backward, self.residual = hidden, backward, residual

    def start(self, like: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """A zero state."""
        zero = like.new_zeros(1, self.hidden)
        return (zero, zero) if isinstance(self.cell, nn.LSTMCell) else zero

    def step(self, x: Tensor, state: Tensor | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Output and state after one step."""
        state = self.cell(x, state)
        out = state[0] if isinstance(state, tuple) else state
        return (out + x if self.residual else out), state

    def forward(self, steps: Steps) -> Steps:
        state = self.start(steps[0])
        outputs = []
        for x in reversed(steps) if self.backward else steps:
            out, state = self.step(x, state)
            outputs.append(out)
        return outputs[::-1] if self.backward else outputs


class Bidirectional(nn.Module):
    """A forward and a backward layer over the same steps, outputs side by side."""

    def __init__(self, cell: str, c_in: int, hidden: int) -> None:
        super().__init__()
        self.ahead = RecurrentLayer(cell, c_in, hidden)
        self.back = RecurrentLayer(cell, c_in, hidden, backward=True)

    def forward(self, steps: Steps) -> Steps:
        pairs = zip(self.ahead(steps), self.back(steps), strict=True)
        return [torch.cat(pair, dim=-1) for pair in pairs]


class LanguageModel(nn.Module):
    """Word or character model: embedding, recurrent layers, a score for every next symbol.

    Args:
        cell: lstm, gru or tanh.
        vocabulary: symbols.
        widths: embedding width, then the width of each layer.
        tied: whether the output layer reuses the embedding.
    """

    def __init__(self, cell: str, vocabulary: int, widths: tuple[int, ...], tied: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, widths[0])
        self.layers = nn.ModuleList(RecurrentLayer(cell, a, b) for a, b in pairwise(widths))
        self.score = nn.Linear(widths[-1], vocabulary)
        if tied:
            self.score.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        steps = [self.embed(token) for token in tokens.unbind(1)]
        for layer in self.layers:
            steps = layer(steps)
        return torch.stack([self.score(step) for step in steps], dim=1)


class Tagger(nn.Module):
    """Bidirectional tagger over words (Huang et al., 2015, without the CRF)."""

    def __init__(self, cell: str, vocabulary: int, embedding: int, hidden: int, layers: int, tags: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        widths = [embedding] + [2 * hidden] * (layers - 1)
        self.layers = nn.ModuleList(Bidirectional(cell, width, hidden) for width in widths)
        self.score = nn.Linear(2 * hidden, tags)

    def forward(self, tokens: Tensor) -> Tensor:
        steps = [self.embed(token) for token in tokens.unbind(1)]
        for layer in self.layers:
            steps = layer(steps)
        return torch.stack([self.score(step) for step in steps], dim=1)


class Reader(nn.Module):
    """Classifies a text or a signal by the last state of stacked layers; `vocabulary` None takes features."""

    def __init__(self, cell: str, vocabulary: int | None, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, widths[0]) if vocabulary else nn.Identity()
        self.layers = nn.ModuleList(RecurrentLayer(cell, a, b) for a, b in pairwise(widths))
        self.score = nn.Linear(widths[-1], classes)

    def forward(self, inputs: Tensor) -> Tensor:
        steps = [self.embed(x) for x in inputs.unbind(1)]
        for layer in self.layers:
            steps = layer(steps)
        return self.score(steps[-1])


class StackedLSTM(nn.Module):
    """PyTorch's own multi-layer LSTM over a whole sequence; it projects a layer's inputs all at once."""

    def __init__(self, features: int, hidden: int, layers: int, classes: int, *, bidirectional: bool = False) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, bidirectional=bidirectional)
        self.score = nn.Linear(hidden * (2 if bidirectional else 1), classes)

    def forward(self, frames: Tensor) -> Tensor:
        return self.score(self.lstm(frames)[0])


class DeepSpeech2(nn.Module):
    """Two convolutions over a spectrogram, bidirectional GRU layers, characters (Amodei et al., 2016)."""

    def __init__(self, bins: int = 161, hidden: int = 800, layers: int = 5, characters: int = 29) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(nn.Conv2d(1, 32, (41, 11), (2, 2), (20, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0.0, 20.0)),
            *(nn.Conv2d(32, 32, (21, 11), (2, 1), (10, 5)), nn.BatchNorm2d(32), nn.Hardtanh(0.0, 20.0)),
        )
        features = 32 * ((bins + 3) // 4)
        widths = [features] + [2 * hidden] * (layers - 1)
        self.layers = nn.ModuleList(Bidirectional("gru", width, hidden) for width in widths)
        self.score = nn.Linear(2 * hidden, characters)

    def forward(self, spectrogram: Tensor) -> Tensor:
        steps = [x.flatten(1) for x in self.conv(spectrogram).unbind(3)]
        for layer in self.layers:
            steps = layer(steps)
        return torch.stack([self.score(step) for step in steps], dim=1)


class Crnn(nn.Module):
    """Text recogniser: convolutions squeeze a line of writing to columns, two BiLSTMs read it (Shi et al., 2017)."""

    def __init__(self, characters: int = 37) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(nn.Conv2d(1, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(128, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU()),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 2), (2, 1), (0, 1))),
            *(nn.Conv2d(256, 512, 3, padding=1), nn.BatchNorm2d(512), nn.ReLU()),
            *(nn.Conv2d(512, 512, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 2), (2, 1), (0, 1))),
            *(nn.Conv2d(512, 512, 2), nn.BatchNorm2d(512), nn.ReLU()),
        )
        self.read = Bidirectional("lstm", 512, 256)
        self.project = nn.Linear(512, 256)
        self.reread = Bidirectional("lstm", 256, 256)
        self.score = nn.Linear(512, characters)

    def forward(self, image: Tensor) -> Tensor:
        columns = list(self.conv(image).squeeze(2).unbind(2))
        read = [self.project(step) for step in self.read(columns)]
        return torch.stack([self.score(step) for step in self.reread(read)], dim=1)
