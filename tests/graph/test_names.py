"""Regular expressions over names of ops: as Python's, and never without an end."""

from __future__ import annotations

import re

import pytest

from chipzinc.graph import names
from chipzinc.graph.names import matching

NAMES = ("encoder.1.add", "encoder.2.add", "encoder.2.mul", "a" * 60 + "!", "")


@pytest.mark.parametrize(
    "pattern",
    [
        r"encoder\.2\..*",
        "encoder.(1|2).add",
        "(?:encoder|decoder).*",
        "(a|b)*!",
        "a+!",
        "[^(*]*",
        r"\(*",
        "",
        "(?i)ENC.*",
    ],
)
def test_what_matches_is_what_matches_in_python(pattern: str) -> None:
    expected = tuple(at for at, name in enumerate(NAMES) if re.fullmatch(pattern, name))
    assert matching(pattern, NAMES) == expected


@pytest.mark.parametrize("pattern", ["(a+)+$b", "(a|a)*b", "(?:a*)*b", "((a)+){2,}b", "a*a*a*a*a*a*a*a*b"])
def test_an_expression_without_an_end_is_refused(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LONGEST_S", 0.5)
    with pytest.raises(ValueError, match="takes more than"):
        matching(pattern, ("a" * 60,))


@pytest.mark.parametrize("pattern", ["(", "*", "a{99999999999999}", "(?P<x"])
def test_what_is_no_expression_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        matching(pattern, NAMES)
