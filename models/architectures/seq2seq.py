"""Recurrent encoder-decoders, with and without attention, unrolled with the right answer fed to the decoder.

Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .rnn import Bidirectional, RecurrentLayer, Steps


class Seq2Seq(nn.Module):
    """Stacked LSTM encoder hands its last states to a stacked LSTM decoder (Sutskever et al., 2014)."""

    def __init__(self, source: int, target: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.embed_source = nn.Embedding(source, hidden)
        self.embed_target = nn.Embedding(target, hidden)
        self.encoder = nn.ModuleList(RecurrentLayer("lstm", hidden, hidden) for _ in range(layers))
        self.decoder = nn.ModuleList(RecurrentLayer("lstm", hidden, hidden) for _ in range(layers))
        self.score = nn.Linear(hidden, target)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        encoded = [self.embed_source(token) for token in source.unbind(1)]
        decoded = [self.embed_target(token) for token in target.unbind(1)]
        for encoder, decoder in zip(self.encoder, self.decoder, strict=True):
            encoded, state = run(encoder, encoded, encoder.start(encoded[0]))
            decoded, _ = run(decoder, decoded, state)
        return torch.stack([self.score(step) for step in decoded], dim=1)


def run(layer: RecurrentLayer, steps: Steps, state: Tensor | tuple[Tensor, Tensor]) -> tuple[Steps, object]:
    """A layer over steps from a given state: outputs and last state."""
    outputs = []
    for x in steps:
        out, state = layer.step(x, state)
        outputs.append(out)
    return outputs, state


class Additive(nn.Module):
    """Attention by a small network over query and memory (Bahdanau et al., 2015)."""

    def __init__(self, query: int, memory: int, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(query, hidden, bias=False)
        self.keys = nn.Linear(memory, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def forward(self, query: Tensor, memory: Tensor, keys: Tensor) -> Tensor:
        """Context of one query, shape [1, memory feature], over memory of shape [position, memory feature]."""
        weights = self.score((self.query(query) + keys).tanh()).softmax(dim=0)
        return weights.t() @ memory


class AttentiveSeq2Seq(nn.Module):
    """Bidirectional GRU encoder and a GRU decoder that looks back at every step (Bahdanau et al., 2015)."""

    def __init__(self, vocabulary: int = 30000, embedding: int = 620, hidden: int = 1000) -> None:
        super().__init__()
        self.embed_source = nn.Embedding(vocabulary, embedding)
        self.embed_target = nn.Embedding(vocabulary, embedding)
        self.encoder = Bidirectional("gru", embedding, hidden)
        self.bridge = nn.Linear(2 * hidden, hidden)
        self.attention = Additive(hidden, 2 * hidden, hidden)
        self.decoder = RecurrentLayer("gru", embedding + 2 * hidden, hidden)
        self.score = nn.Linear(3 * hidden + embedding, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        encoded = self.encoder([self.embed_source(token) for token in source.unbind(1)])
        memory = torch.cat(encoded, dim=0)
        keys = self.attention.keys(memory)
        state = self.bridge(encoded[0]).tanh()
        scores = []
        for token in target.unbind(1):
            word = self.embed_target(token)
            context = self.attention(state, memory, keys)
            out, state = self.decoder.step(torch.cat([word, context], dim=1), state)
            scores.append(self.score(torch.cat([out, context, word], dim=1)))
        return torch.stack(scores, dim=1)


class LuongSeq2Seq(nn.Module):
    """Stacked LSTMs, the decoder's top attending by plain products and fed back (Luong et al., 2015)."""

    def __init__(self, vocabulary: int = 50000, hidden: int = 1000, layers: int = 4) -> None:
        super().__init__()
        self.embed_source = nn.Embedding(vocabulary, hidden)
        self.embed_target = nn.Embedding(vocabulary, hidden)
        self.encoder = nn.ModuleList(RecurrentLayer("lstm", hidden, hidden) for _ in range(layers))
        self.decoder = nn.ModuleList(
            RecurrentLayer("lstm", hidden if layer else 2 * hidden, hidden) for layer in range(layers)
        )
        self.general = nn.Linear(hidden, hidden, bias=False)
        self.combine = nn.Linear(2 * hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, vocabulary, bias=False)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        steps = [self.embed_source(token) for token in source.unbind(1)]
        states = []
        for layer in self.encoder:
            steps, state = run(layer, steps, layer.start(steps[0]))
            states.append(state)
        memory = torch.cat(steps, dim=0)
        keys = self.general(memory).t()
        fed = memory.new_zeros(1, memory.shape[1])
        scores = []
        for token in target.unbind(1):
            x = torch.cat([self.embed_target(token), fed], dim=1)
            for index, layer in enumerate(self.decoder):
                x, states[index] = layer.step(x, states[index])
            context = (x @ keys).softmax(dim=1) @ memory
            fed = self.combine(torch.cat([context, x], dim=1)).tanh()
            scores.append(self.score(fed))
        return torch.stack(scores, dim=1)


class Gnmt(nn.Module):
    """Eight-layer residual LSTM translation, attention from the decoder's first layer (Wu et al., 2016)."""

    def __init__(self, vocabulary: int = 32000, hidden: int = 1024, layers: int = 8) -> None:
        super().__init__()
        self.embed_source = nn.Embedding(vocabulary, hidden)
        self.embed_target = nn.Embedding(vocabulary, hidden)
        self.first = Bidirectional("lstm", hidden, hidden)
        self.encoder = nn.ModuleList(
            RecurrentLayer("lstm", hidden if layer else 2 * hidden, hidden, residual=layer > 0)
            for layer in range(layers - 1)
        )
        self.attention = Additive(hidden, hidden, hidden)
        self.decoder_first = RecurrentLayer("lstm", 2 * hidden, hidden)
        self.decoder = nn.ModuleList(nn.LSTMCell(2 * hidden, hidden) for _ in range(layers - 1))
        self.score = nn.Linear(hidden, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        encoded = self.first([self.embed_source(token) for token in source.unbind(1)])
        for layer in self.encoder:
            encoded = layer(encoded)
        memory = torch.cat(encoded, dim=0)
        keys = self.attention.keys(memory)
        context = memory.new_zeros(1, memory.shape[1])
        first = self.decoder_first.start(memory)
        zero = memory.new_zeros(1, memory.shape[1])
        states = [(zero, zero) for _ in self.decoder]
        scores = []
        for token in target.unbind(1):
            x, first = self.decoder_first.step(torch.cat([self.embed_target(token), context], dim=1), first)
            context = self.attention(x, memory, keys)
            for index, cell in enumerate(self.decoder):
                states[index] = cell(torch.cat([x, context], dim=1), states[index])
                x = states[index][0] + x if index else states[index][0]
            scores.append(self.score(x))
        return torch.stack(scores, dim=1)


class ListenAttendSpell(nn.Module):
    """Pyramid of BiLSTMs halves the frames three times; an LSTM spells with attention (Chan et al., 2016)."""

    def __init__(self, features: int = 40, hidden: int = 256, characters: int = 30) -> None:
        super().__init__()
        widths = (features, 4 * hidden, 4 * hidden, 4 * hidden)
        self.listen = nn.ModuleList(Bidirectional("lstm", width, hidden) for width in widths)
        self.embed = nn.Embedding(characters, hidden)
        self.spell = nn.ModuleList((nn.LSTMCell(3 * hidden, 2 * hidden), nn.LSTMCell(2 * hidden, 2 * hidden)))
        self.attention = Additive(2 * hidden, 2 * hidden, hidden)
        self.score = nn.Linear(4 * hidden, characters)

    def forward(self, frames: Tensor, target: Tensor) -> Tensor:
        steps = list(frames.unbind(1))
        for index, layer in enumerate(self.listen):
            if index:
                steps = [torch.cat(pair, dim=-1) for pair in zip(steps[::2], steps[1::2], strict=True)]
            steps = layer(steps)
        memory = torch.cat(steps, dim=0)
        keys = self.attention.keys(memory)
        context = memory.new_zeros(1, memory.shape[1])
        low = high = (context, context)
        scores = []
        for token in target.unbind(1):
            low = self.spell[0](torch.cat([self.embed(token), context], dim=1), low)
            high = self.spell[1](low[0], high)
            context = self.attention(high[0], memory, keys)
            scores.append(self.score(torch.cat([high[0], context], dim=1)))
        return torch.stack(scores, dim=1)
