r"""What a rule calls its instances, as people read it.

MiniZinc quotes a string that another one interpolates: ``"\(op_name[o]) is late"`` gives ``"conv" is late``, quoted.
Labels are read without them, so that an op is known by its name however a rule's author put it in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def unquoted(label: str) -> str:
    """A label without the quotes that interpolation adds, and with the characters that it escapes."""
    return _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match.group(1)), label)


def label_of(labels: Sequence[object] | None, instance: int) -> str:
    """What a violation is called.

    Args:
        labels: the labels as MiniZinc answered, one an instance; none where the rule has no labels.
        instance: number of the instance, from 0.
    """
    return unquoted(str(labels[instance])) if labels else f"instance {instance + 1}"
