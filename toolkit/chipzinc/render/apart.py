"""Keeps the names of several rendered models apart, so that one solver call can hold them all.

Knows MiniZinc's lexical rules only, nothing of what the models say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r'%[^\n]*|/\*.*?\*/|\\\(|\\.|["()]|\w+|[^\w%/\\"()]+|.', re.DOTALL)
_COMMENT = re.compile(r"%[^\n]*|/\*.*?\*/", re.DOTALL)
_DECLARED = (
    re.compile(r":\s*(\w+)\s*(?:::\s*\w+\s*)*(?=[=;])"),  # int: name; var bool: name :: output = ...
    re.compile(r"\bfunction\b[^;=]*?:\s*(\w+)\s*\("),
    re.compile(r"\b(?:predicate|test|annotation|enum|type)\s+(\w+)"),
)


def declared_names(text: str) -> set[str]:
    """The names that MiniZinc text declares at its top level or inside a let."""
    code = _COMMENT.sub(" ", text)
    return {name for pattern in _DECLARED for name in pattern.findall(code)}


def rename(text: str, names: Iterable[str], suffix: str) -> str:
    """Adds a suffix to names wherever code uses them: not in comments, in strings only where they interpolate.

    Args:
        text: MiniZinc.
        names: names to change.
        suffix: what to add to each.

    Returns:
        MiniZinc whose lines stand where they stood.
    """
    chosen = frozenset(names)
    out: list[str] = []
    in_string = False
    open_parentheses: list[int] = [0]  # of each piece of code; a string lies between a piece and the next
    for token in _TOKEN.findall(text):
        if in_string:
            if token == '"':
                in_string = False
            elif token == "\\(":
                in_string = False
                open_parentheses.append(1)
        elif token == '"':
            in_string = True
        elif token == "(":
            open_parentheses[-1] += 1
        elif token == ")":
            open_parentheses[-1] -= 1
            if len(open_parentheses) > 1 and open_parentheses[-1] == 0:
                open_parentheses.pop()
                in_string = True
        elif token in chosen:
            token = token + suffix
        out.append(token)
    return "".join(out)
