"""Which ops to move next, and which to look at together, by what a partition violates.

Knows the design and what is said against it; asks nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chipzinc.designs.judgement import Fault
from chipzinc.designs.part import Task
from chipzinc.graph.opgraph import BoolArray


def outliers(task: Task, faults: Sequence[Fault], moved: BoolArray, may: BoolArray) -> tuple[BoolArray, BoolArray]:
    """The op to move for each fault, and those to put back; each of shape [op].

    Of the ops to blame, the one furthest from its neighbours moves. Where all that may move agree with theirs, one that
    moved before did so for the sake of a wrong one: it goes back.

    Args:
        task: the design.
        faults: what hard rules say against the partition.
        moved: ops that it moves, shape [op].
        may: ops that may move, shape [op].
    """
    far, strange = np.abs(task.beside(moved) - task.design), np.abs(task.elsewhere - task.design)
    picked, back = np.zeros_like(moved), np.zeros_like(moved)
    for fault in faults:
        blamed = np.array(fault.witness.ops, dtype=np.int64)
        ops = blamed[may[blamed] & ~moved[blamed]]
        misled = blamed[moved[blamed]]
        if misled.size and not (ops.size and far[ops].any()):
            back[misled[np.argmin(strange[misled])]] = True
        elif ops.size and not picked[ops].any():
            picked[ops[np.argmax(far[ops])]] = True
    return picked, back


def widened(task: Task, part: BoolArray, faults: Sequence[Fault], moved: BoolArray, rounds: int) -> BoolArray:
    """A part with the ops that moved in vain, their neighbours, and who is to blame where that is nothing new; [op].

    Args:
        task: the design.
        part: the part so far, shape [op].
        faults: what hard rules say against the partition that it led to.
        moved: ops that this partition moves, shape [op].
        rounds: how many times the neighbours of all are taken in as well.
    """
    wide = part | task.neighbours(moved)
    for fault in faults:
        if fault.violation.overflow is not None:
            wide[fault.violation.overflow.holders.ids] = True
    if (wide == part).all():
        for fault in faults:
            wide |= task.neighbours(np.isin(np.arange(len(part)), fault.witness.ops))
    if (wide == part).all():
        for fault in faults:
            wide[list(fault.witness.related)] = True
    for _ in range(rounds):
        wide = task.neighbours(wide)
    return wide
