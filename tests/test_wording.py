"""Numbers as people read them."""

from __future__ import annotations

import pytest

from chipzinc.wording import counted, format_bytes


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (48_000, "46.9 KiB"), (2**30, "1,024.00 MiB")]
)
def test_a_size_is_told_in_the_largest_unit_that_it_reaches(size: int, text: str) -> None:
    assert format_bytes(size) == text


def test_one_thing_is_told_in_the_singular() -> None:
    assert [counted(number, "op") for number in (0, 1, 2, 1258)] == ["0 ops", "1 op", "2 ops", "1,258 ops"]
