"""What violated instances are called."""

from __future__ import annotations

import pytest

from chipzinc.rules.labels import label_of, unquoted


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ('"conv" away from "relu"', "conv away from relu"),
        ("chip 3", "chip 3"),
        (r'"a \"b\" \\ c" waits', r'a "b" \ c waits'),
        ('one " alone', 'one " alone'),
    ],
)
def test_a_label_is_read_without_the_quotes_that_interpolation_adds(told: str, read: str) -> None:
    assert unquoted(told) == read


def test_an_instance_without_a_label_has_its_number() -> None:
    assert label_of(None, 2) == label_of([], 2) == "instance 3"
    assert label_of(["a", '"b"'], 1) == "b"
