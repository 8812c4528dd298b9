"""Which ops a regular expression means, whoever wrote it: one that would take for ever is refused, not waited for.

Python's expressions backtrack, and a specification from a stranger may hold one that never ends. One that could take
long is matched in a process of its own, which is ended after a while.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import lru_cache

LONGEST_S = 5.0
"""Longest time to match one expression against all names."""

_PLAIN = re.compile(r"(?:[^\\*+?{(]|\\.|\(\?:|\((?!\?)|(?<![)])[*+?])*")
"""Expressions that repeat no group, and so cost at most (length of a name) ** (number of repeats) steps a name."""

_FEW_STEPS = 10**8
_MATCHER = """
import json, re, sys
pattern, names = json.load(sys.stdin)
expression = re.compile(pattern)
json.dump([op for op, name in enumerate(names) if expression.fullmatch(name)], sys.stdout)
"""


@lru_cache(maxsize=256)
def matching(pattern: str, names: tuple[str, ...]) -> tuple[int, ...]:
    """Places of the names that a regular expression matches whole.

    Raises:
        ValueError: if it is no regular expression, or cannot be matched in `LONGEST_S`.
    """
    try:
        expression = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from error
    if _is_quick(pattern, names):
        return tuple(op for op, name in enumerate(names) if expression.fullmatch(name))
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _MATCHER],
            input=json.dumps([pattern, names]),
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"'{pattern}' takes more than {LONGEST_S:g} s to match: expected a simpler one") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"'{pattern}' cannot be matched: {error}") from error
    return tuple(json.loads(ended.stdout))


def _is_quick(pattern: str, names: tuple[str, ...]) -> bool:
    longest = max(map(len, names), default=0)
    repeats = sum(pattern.count(mark) for mark in "*+?{")
    return bool(_PLAIN.fullmatch(pattern)) and len(names) * max(longest, 1) ** repeats <= _FEW_STEPS
