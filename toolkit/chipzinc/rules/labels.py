r"""What a rule calls its instances, as people read it.

MiniZinc quotes a string that another one interpolates: ``"\(op_name[o]) is late"`` gives ``"conv" is late``, quoted.
Labels are read without them, so that an op is known by its name however a rule's author put it in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chipzinc.errors import InputError
from chipzinc.rules.catalogue import Rule
from chipzinc.wording import counted

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def unquoted(label: str) -> str:
    """A label without the quotes that interpolation adds, and with the characters that it escapes."""
    return _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match.group(1)), label)


def read_labels(rule: Rule, said: Sequence[object] | None, instances: int) -> list[str]:
    """What each instance is called, by its number where the rule has no labels.

    Args:
        rule: the rule.
        said: the labels as MiniZinc answered.
        instances: number of instances in the rule's array.

    Raises:
        InputError: if there are more or fewer labels than instances.
    """
    if said is None:
        return [f"instance {instance + 1}" for instance in range(instances)]
    if len(said) != instances:
        message = f"{counted(len(said), 'label')} for {counted(instances, 'instance')}: expected one each"
        raise InputError(message, file=rule.path, line=rule.line_of(f"{rule.name}_labels"))
    return [unquoted(str(label)) for label in said]
