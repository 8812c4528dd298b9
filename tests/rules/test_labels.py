"""What violated instances are called."""

from __future__ import annotations

import pytest

from chipzinc.errors import InputError
from chipzinc.rules.catalogue import find_rule
from chipzinc.rules.labels import read_labels, unquoted


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
    assert read_labels(find_rule("pinned"), None, 2) == ["instance 1", "instance 2"]


@pytest.mark.parametrize("said", [[], ["one"], ["one", "two", "three"]])
def test_labels_that_are_not_one_an_instance_are_told_with_their_line(said: list[str]) -> None:
    rule = find_rule("pinned")
    with pytest.raises(InputError, match=f"{len(said)} labels? for 2 instances") as refused:
        read_labels(rule, said, 2)
    assert refused.value.line is not None
    assert "string: pinned_labels()" in rule.text.splitlines()[refused.value.line - 1]
