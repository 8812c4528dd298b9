"""A rule to begin with: the text of a new rule file.

The template is a rule that works; `mzn/new_rule.mzn` holds it under the name ``new_rule``.
"""

from __future__ import annotations

import re

from chipzinc.errors import InputError
from chipzinc.resources import mzn_dir
from chipzinc.rules.catalogue import RULE_NAME
from chipzinc.rules.source import code

TEMPLATE_NAME = "new_rule"

_KEYWORDS = re.compile(
    "ann|annotation|any|anyclass|array|bool|case|constraint|default|diff|div|else|elseif|endif|enum|false|float|function"
    "|if|in|include|int|intersect|let|list|maximize|minimize|mod|not|of|op|opt|output|par|predicate|record|satisfy|set"
    "|solve|string|subset|superset|symdiff|test|then|true|tuple|type|union|var|where|xor"
)


def new_rule_text(name: str) -> str:
    """The text of a new rule.

    Raises:
        InputError: if the name cannot be a rule's.
    """
    if not RULE_NAME.fullmatch(name) or name.endswith(("_enforce", "_labels")):
        raise InputError(f"'{name}' is no name for a rule: expected small letters, digits and _, such as my_rule")
    problem = code((mzn_dir() / "problem.mzn").read_text(encoding="utf-8"))
    if _KEYWORDS.fullmatch(name) or re.search(rf"\b{name}\b", problem):
        raise InputError(f"'{name}' means something else in MiniZinc or in problem.mzn: expected another name")
    if (mzn_dir() / "rules" / f"{name}.mzn").exists():
        raise InputError(f"'{name}' is a rule that ships: expected another name")
    template = (mzn_dir() / f"{TEMPLATE_NAME}.mzn").read_text(encoding="utf-8")
    return re.sub(rf"\b{TEMPLATE_NAME}(?=\b|_)", name, template)
