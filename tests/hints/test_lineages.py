"""Where shifting begins: at the best, beside it, and anew where nothing is found."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.hints.lineages import Lineages

START, BEST, OTHER = (np.full(1, chip) for chip in range(3))


def begun(lineages: Lineages, best_us: float, count: int) -> list[int]:
    _, starts = lineages.give_out((best_us, BEST), count)
    return [int(chips[0]) for chips in starts]


def test_odd_turns_go_on_from_what_they_found_until_it_gets_no_shorter() -> None:
    lineages = Lineages(START)
    turns, starts = lineages.give_out((9.0, BEST), 2)
    assert [int(chips[0]) for chips in starts] == [1, 0]
    lineages.take(turns, [None, (8.0, OTHER)], 7.0)
    turns, starts = lineages.give_out((7.0, BEST), 2)
    assert [int(chips[0]) for chips in starts] == [1, 2]
    lineages.take(turns, [None, (8.5, OTHER)], 6.0)
    assert begun(lineages, 6.0, 2) == [1, 0]


@pytest.mark.parametrize("found", [None, (5.0, OTHER)])
def test_what_is_the_best_is_no_second(found: tuple[float, np.ndarray] | None) -> None:
    lineages = Lineages(START)
    turns, _ = lineages.give_out((9.0, BEST), 2)
    lineages.take(turns, [None, found], 5.0)
    assert begun(lineages, 5.0, 2) == [1, 0]


def test_every_other_time_all_begin_anew_while_nothing_is_found() -> None:
    lineages = Lineages(START)
    assert [begun(lineages, 9.0, 2) for _ in range(6)] == [[1, 0], [1, 0], [0, 0], [1, 0], [0, 0], [1, 0]]
    assert begun(lineages, 8.0, 2) == [1, 0]
    assert begun(lineages, 8.0, 2) == [1, 0]
    assert begun(lineages, 7.9999, 2) == [0, 0]


def test_one_search_at_a_time_begins_anew_too() -> None:
    lineages = Lineages(START)
    even = [begun(lineages, 9.0, 1)[0] for _ in range(12)][::2]
    assert even == [1, 0, 1, 0, 1, 0]
