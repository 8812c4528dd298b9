"""Recurrent networks with cells of their own: convolutional LSTM, recurrent highway, quasi-recurrent, simple units.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvLSTMCell(nn.Module):
    """LSTM whose products are convolutions over maps (Shi et al., 2015, without peepholes)."""

    def __init__(self, c_in: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(c_in + hidden, 4 * hidden, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        hidden, memory = state
        enter, forget, leave, new = self.gates(torch.cat([x, hidden], dim=1)).chunk(4, dim=1)
        memory = forget.sigmoid() * memory + enter.sigmoid() * new.tanh()
        return leave.sigmoid() * memory.tanh(), memory


class ConvLSTM(nn.Module):
    """Predicts the next radar or video frame with stacked convolutional LSTM layers (Shi et al., 2015)."""

    def __init__(self, widths: tuple[int, ...] = (1, 64, 64), kernel: int = 5) -> None:
        super().__init__()
        self.cells = nn.ModuleList(ConvLSTMCell(a, b, kernel) for a, b in pairwise(widths))
        self.widths = widths
        self.score = nn.Conv2d(widths[-1], widths[0], 1)

    def forward(self, frames: Tensor) -> Tensor:
        size = frames.shape[-2:]
        states = [(frames.new_zeros(1, width, *size), frames.new_zeros(1, width, *size)) for width in self.widths[1:]]
        x = frames[:, 0]
        for x in frames.unbind(1):
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(x, states[layer])
                x = states[layer][0]
        return self.score(x)


class RecurrentHighway(nn.Module):
    """Recurrent highway network with coupled gates, tied embedding (Zilly et al., 2017)."""

    def __init__(self, vocabulary: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, hidden)
        self.enter = nn.Linear(hidden, 2 * hidden, bias=False)
        self.levels = nn.ModuleList(nn.Linear(hidden, 2 * hidden) for _ in range(depth))
        self.score = nn.Linear(hidden, vocabulary)
        self.score.weight = self.embed.weight
        self.hidden = hidden

    def forward(self, tokens: Tensor) -> Tensor:
        state = self.embed.weight.new_zeros(1, self.hidden)
        scores = []
        for token in tokens.unbind(1):
            for depth, level in enumerate(self.levels):
                both = level(state)
                if depth == 0:
                    both = both + self.enter(self.embed(token))
                new, carry = both.chunk(2, dim=1)
                gate = carry.sigmoid()
                state = new.tanh() * gate + state * (1 - gate)
            scores.append(self.score(state))
        return torch.stack(scores, dim=1)


class QuasiRecurrent(nn.Module):
    """Convolutions over time, then cheap gates step by step (Bradbury et al., 2017), for language modelling."""

    def __init__(self, vocabulary: int, hidden: int, layers: int, kernel: int = 2) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, hidden)
        self.layers = nn.ModuleList(nn.Conv1d(hidden, 3 * hidden, kernel) for _ in range(layers))
        self.padding = kernel - 1
        self.score = nn.Linear(hidden, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens).transpose(1, 2)
        for conv in self.layers:
            x = self.pool(*conv(F.pad(x, (self.padding, 0))).chunk(3, dim=1))
        return self.score(x.transpose(1, 2))

    @staticmethod
    def pool(new: Tensor, forget: Tensor, leave: Tensor) -> Tensor:
        """The paper's fo-pooling along the last axis."""
        forget = forget.sigmoid()
        added = (1 - forget) * new.tanh()
        memory = added[:, :, 0]
        memories = [memory]
        for f, a in zip(forget.unbind(2)[1:], added.unbind(2)[1:], strict=True):
            memory = f * memory + a
            memories.append(memory)
        return leave.sigmoid() * torch.stack(memories, dim=2)


class SimpleUnit(nn.Module):
    """One layer of simple recurrent units over steps (Lei et al., 2018): gates see the past by one product only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.peek_forget = nn.Parameter(torch.empty(width))
        self.peek_leave = nn.Parameter(torch.empty(width))
        self.bias_forget = nn.Parameter(torch.empty(width))
        self.bias_leave = nn.Parameter(torch.empty(width))

    def forward(self, steps: list[Tensor]) -> list[Tensor]:
        memory: Tensor | None = None
        outputs = []
        for x in steps:
            new, forget, leave = self.project(x).chunk(3, dim=1)
            if memory is None:  # the first step has no past to look at
                f, r = (forget + self.bias_forget).sigmoid(), (leave + self.bias_leave).sigmoid()
                memory = (1 - f) * new
            else:
                f = (forget + self.peek_forget * memory + self.bias_forget).sigmoid()
                r = (leave + self.peek_leave * memory + self.bias_leave).sigmoid()
                memory = f * memory + (1 - f) * new
            outputs.append(r * memory + (1 - r) * x)
        return outputs


class SimpleUnitReader(nn.Module):
    """Text classifier of stacked simple recurrent units."""

    def __init__(self, vocabulary: int, width: int, layers: int, classes: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(SimpleUnit(width) for _ in range(layers))
        self.score = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        steps = [self.embed(token) for token in tokens.unbind(1)]
        for layer in self.layers:
            steps = layer(steps)
        return self.score(steps[-1])
