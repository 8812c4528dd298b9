"""Decoder-only transformers with mixtures of experts whose routing has static shapes.

Every token has its top-k experts, as in Mixtral (Jiang et al., 2024); every expert takes at most a fixed number of
tokens, its capacity, as in GShard (Lepikhin et al., 2021), so the graph does not depend on data.
Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class MoeConfig:
    """Sizes of a model.

    Attributes:
        vocabulary: tokens that have an embedding.
        width: features of a token.
        hidden: hidden units of one expert.
        layers: transformer layers.
        heads: query heads.
        groups: key and value heads, each shared by heads / groups query heads.
        experts: experts a layer.
        chosen: experts a token is sent to.
        shared: experts every token also passes through (Dai et al., 2024).
        slack: capacity over an even share of the tokens.
    """

    vocabulary: int = 32000
    width: int = 1024
    hidden: int = 3584
    layers: int = 16
    heads: int = 16
    groups: int = 4
    experts: int = 8
    chosen: int = 2
    shared: int = 0
    slack: float = 1.25


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions."""

    def __init__(self, config: MoeConfig, length: int) -> None:
        super().__init__()
        self.heads, self.groups, self.size = config.heads, config.groups, config.width // config.heads
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key = nn.Linear(config.width, self.groups * self.size, bias=False)
        self.value = nn.Linear(config.width, self.groups * self.size, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.register_buffer("cos", torch.empty(length, self.size))
        self.register_buffer("sin", torch.empty(length, self.size))
        self.register_buffer("mask", torch.empty(length, length))

    def rotate(self, x: Tensor) -> Tensor:
        """Turns pairs of features by angles that grow with the position."""
        left, right = x.chunk(2, dim=-1)
        return x * self.cos + torch.cat([-right, left], dim=-1) * self.sin

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[0]
        query = self.rotate(self.query(x).view(length, self.heads, self.size).transpose(0, 1))
        key = self.rotate(self.key(x).view(length, self.groups, self.size).transpose(0, 1))
        value = self.value(x).view(length, self.groups, self.size).transpose(0, 1)
        shared = self.heads // self.groups
        key, value = (t.repeat_interleave(shared, dim=0) for t in (key, value))
        scores = query @ key.transpose(1, 2) / self.size**0.5 + self.mask
        mixed = scores.softmax(dim=-1) @ value
        return self.out(mixed.transpose(0, 1).reshape(length, -1))


class Expert(nn.Module):
    """Gated feed-forward network with SiLU."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Mixture(nn.Module):
    """Top-k routing; each expert serves the tokens that weigh it most, up to its capacity."""

    def __init__(self, config: MoeConfig, length: int) -> None:
        super().__init__()
        self.chosen = config.chosen
        self.capacity = min(length, int(config.slack * length * config.chosen / config.experts))
        self.router = nn.Linear(config.width, config.experts, bias=False)
        self.experts = nn.ModuleList(Expert(config.width, config.hidden) for _ in range(config.experts))
        self.shared = Expert(config.width, config.shared * config.hidden) if config.shared else None

    def forward(self, x: Tensor) -> Tensor:
        scores = self.router(x)
        best, where = scores.topk(self.chosen, dim=-1)
        weights = torch.zeros_like(scores).scatter(1, where, best.softmax(dim=-1))
        total = self.shared(x) if self.shared else torch.zeros_like(x)
        for weight, expert in zip(weights.unbind(1), self.experts, strict=True):
            share, tokens = weight.topk(self.capacity)
            served = expert(x.index_select(0, tokens)) * share.unsqueeze(1)
            total = total.index_add(0, tokens, served)
        return total


class MoeDecoder(nn.Module):
    """The language model for one text of a given length, shape [1, token]."""

    def __init__(self, config: MoeConfig, length: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.attention = nn.ModuleList(Attention(config, length) for _ in range(config.layers))
        self.mixture = nn.ModuleList(Mixture(config, length) for _ in range(config.layers))
        self.norms = nn.ModuleList(nn.RMSNorm(config.width) for _ in range(2 * config.layers + 1))
        self.score = nn.Linear(config.width, config.vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens[0])
        for layer, (attention, mixture) in enumerate(zip(self.attention, self.mixture, strict=True)):
            x = x + attention(self.norms[2 * layer](x))
            x = x + mixture(self.norms[2 * layer + 1](x))
        return self.score(self.norms[-1](x))
