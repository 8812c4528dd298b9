"""`Lattice`: a family of ideals (sets of items that hold all items before theirs), as rows of bits.

Knows items by number and their order only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.opgraph import BoolArray, IntArray

_CHUNK = 4_000_000
"""Most entries of an array of floats that is made for a moment."""

_MOST_CELLS = 400_000_000
"""Most entries of a table of ideals and items, one byte each."""

Ideal = int
"""A set of items: bit i is set where item i is in it."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Ideals, smaller ones before larger ones; the first is empty and the last has every item.

    Attributes:
        has: whether each ideal has each item, shape [ideal, item].
    """

    has: BoolArray

    @classmethod
    def of(cls, ideals: Iterable[Ideal], n_items: int) -> Lattice:
        """Lists a family of ideals, to which the empty and the full one are added."""
        every = sorted({*ideals, 0, (1 << n_items) - 1}, key=lambda ideal: (ideal.bit_count(), ideal))
        width = max(1, -(-n_items // 8))
        data = np.frombuffer(b"".join(ideal.to_bytes(width, "little") for ideal in every), dtype=np.uint8)
        bits = np.unpackbits(data.reshape(len(every), width), axis=1, count=n_items, bitorder="little")
        return cls(bits.astype(bool))

    def __len__(self) -> int:
        return len(self.has)

    def totals(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the items of each ideal of a value of shape [item, ...]; shape [ideal, ...]."""
        pieces = [self.has[rows].astype(np.float64) @ value for rows in self.chunks()]
        return np.concatenate(pieces)

    def chunks(self) -> Iterator[slice]:
        """Rows in pieces whose arrays of floats stay small."""
        step = max(1, _CHUNK // max(self.has.shape[1], 1))
        yield from (slice(start, start + step) for start in range(0, len(self), step))

    def sorted_by(self, key: NDArray[np.float64]) -> tuple[Lattice, IntArray]:
        """The same ideals by rising key, of equal ones the smaller first, and where each stood."""
        order = np.lexsort((self.has.sum(axis=1), key))
        return Lattice(self.has[order]), order

    @cached_property
    def words(self) -> NDArray[np.uint64]:
        """The bits of each ideal, 64 a word, shape [ideal, word]."""
        packed = np.packbits(self.has, axis=1, bitorder="little")
        padded = np.zeros((len(packed), max(1, -(-packed.shape[1] // 8)) * 8), dtype=np.uint8)
        padded[:, : packed.shape[1]] = packed
        return padded.view(np.uint64)

    def nested(self, rows: slice, columns: slice) -> BoolArray:
        """Whether the ideal of a row is a proper subset of that of a column, shape [row, column]."""
        inner, outer = self.words[rows], self.words[columns]
        within = np.ones((len(inner), len(outer)), dtype=bool)
        same = within.copy()
        for word in range(inner.shape[1]):
            left, right = inner[:, word, None], outer[None, :, word]
            within &= (left & ~right) == 0
            same &= left == right
        return within & ~same


def all_ideals(n_items: int, precedes: IntArray, limit: int, deadline: float | None = None) -> list[Ideal] | None:
    """Every ideal of an order, by size.

    Args:
        n_items: number of items.
        precedes: (earlier, later) pairs.
        limit: most ideals to list; fewer where the items are so many that their table would not fit memory.
        deadline: `time.monotonic()` at which to give up.

    Returns:
        The ideals, or None if there are more than `limit` or the time is over.
    """
    limit = min(limit, _MOST_CELLS // max(n_items, 1))
    before, after = [0] * n_items, [[] for _ in range(n_items)]  # type: list[Ideal], list[list[int]]
    for earlier, later in precedes.tolist():
        before[later] |= 1 << earlier
        after[earlier].append(later)
    level: dict[Ideal, Ideal] = {0: sum(1 << item for item in range(n_items) if not before[item])}
    found: list[Ideal] = []
    while level:
        found += level
        following: dict[Ideal, Ideal] = {}
        for ideal, ready in level.items():
            _grow(ideal, ready, before, after, following)
            if len(found) + len(following) > limit:
                return None
        if deadline is not None and time.monotonic() > deadline:
            return None
        level = following
    return found


def _grow(
    ideal: Ideal, ready: Ideal, before: Sequence[Ideal], after: Sequence[Sequence[int]], into: dict[Ideal, Ideal]
) -> None:
    """Adds the ideals of one more item, each with the items that may follow it."""
    left = ready
    while left:
        bit = left & -left
        left ^= bit
        larger = ideal | bit
        if larger not in into:
            freed = sum(1 << item for item in after[bit.bit_length() - 1] if not before[item] & ~larger)
            into[larger] = ready ^ bit | freed


def prefixes(order: Iterable[int]) -> list[Ideal]:
    """The ideals that a topological order of the items passes through, the empty one first."""
    ideals = [0]
    for item in order:
        ideals.append(ideals[-1] | 1 << int(item))
    return ideals
