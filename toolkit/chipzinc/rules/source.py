"""MiniZinc text, cut as MiniZinc cuts it: what is code, and which files it includes.

Knows MiniZinc's lexical rules only. Strings, comments and quoted names must not be mistaken for one another, since
what a stranger's rule file may include depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<comment>%[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<name>'[^'\n\r]*')
    |(?P<word>\w+)
    |(?P<quote>")
    |(?P<open>\()
    |(?P<close>\))
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_STRING = re.compile(r'(?:[^"\\]|\\(?!\().)*(?P<end>"|\\\(|\Z)', re.DOTALL)


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Cuts text into (kind, token, offset).

    Kinds: ``comment``, ``name`` (quoted), ``word``, ``string`` (what stands between quotes, up to the code that is
    interpolated in it, which follows as tokens of its own), ``open``, ``close`` and ``other``.
    """
    at, depths = 0, [0]
    while at < len(text):
        match = _TOKEN.match(text, at)
        assert match is not None
        kind, token, start = str(match.lastgroup), match.group(), at
        at = match.end()
        depths[-1] += (kind == "open") - (kind == "close")
        resumes = kind == "close" and depths[-1] < 0 and len(depths) > 1
        if kind != "quote" and not resumes:
            yield kind, token, start
            continue
        if resumes:
            depths.pop()
        string = _STRING.match(text, at)
        assert string is not None
        if string.group("end") == "\\(":
            depths.append(0)
        yield "string", text[at : string.start("end")], at
        at = string.end()


def code(text: str) -> str:
    """The text without its comments and with empty strings; every token that is left stands where it stood."""
    kept = [" "] * len(text)
    for at, character in enumerate(text):
        if character == "\n":
            kept[at] = "\n"
    for kind, token, start in tokens(text):
        if kind not in ("comment", "string"):
            kept[start : start + len(token)] = token
    return "".join(kept)


def includes(text: str) -> Iterator[tuple[str | None, int]]:
    """What the text includes, each with its 1-based line; None for an include that names no plain string."""
    code_only = [token for token in tokens(text) if token[0] != "comment" and not token[1].isspace()]
    for (kind, token, start), (next_kind, named, _) in zip(code_only, [*code_only[1:], ("", "", 0)], strict=True):
        if kind == "word" and token == "include":
            yield named if next_kind == "string" else None, text.count("\n", 0, start) + 1
