"""Teachers: the best partitions that slicing and, where it pays, the whole search find for the training instances.

They fill an archive, which imitation and PPO begin with. Knows no network.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from chipzinc.errors import ChipzincError, InputError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import Given
from chipzinc.improve import optimise
from chipzinc.policy.archive import Archive
from chipzinc.policy.instance import Instance
from chipzinc.solve import Session

_STARTS = 3
_GOOD = 0.9  # of the bound, from which on a search is not worth its time


def teach(
    instances: Iterable[Instance],
    *,
    slice_s: float = 1.0,
    search_s: float = 0.0,
    solver: str = "chuffed",
    archive: Archive | None = None,
    file: Path | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Archive:
    """Looks for good partitions of instances.

    Args:
        instances: what to partition.
        slice_s: seconds of looking for pipelines for each.
        search_s: seconds of searching on from the best of these, for instances far from their bound.
        solver: that searches.
        archive: to add to; what it knows of already is left as it is.
        file: where findings are kept, a line an instance, and taken from another time.
        progress: called with what is being done.
    """
    found = archive or Archive()
    if file is not None and file.is_file():
        _read(found, file)
    for instance in instances:
        if instance.name in found.best:
            continue
        progress(f"looking for partitions of {instance.name} to learn from")
        partitions = [chips for _, chips in best_slices(instance.context, slice_s)[:_STARTS]]
        if search_s > 0 and (not partitions or _reward(instance, partitions[0]) < _GOOD):
            partitions += _searched(instance, partitions, search_s, solver)
        found.best[instance.name] = []
        if partitions:
            groups = instance.coarsening.restrict(np.stack(partitions))
            intervals = instance.model.evaluate(instance.coarsening.expand(groups)).interval_us
            found.add(instance.name, groups, intervals)
        if file is not None:
            _write(instance.name, found, file)
    return found


def _reward(instance: Instance, chips: IntArray) -> float:
    return instance.bound_us / float(instance.model.evaluate(chips).interval_us[0])


def _searched(instance: Instance, starts: list[IntArray], seconds: float, solver: str) -> list[IntArray]:
    hints = Given(starts[0] if starts else instance.coarsening.expand(instance.greedy))
    try:
        with Session(solver=solver) as session:
            found = optimise(
                instance.graph,
                instance.package,
                session=session,
                worker=lambda: Session(session.toolchain),
                hints=hints,
                solvers=(solver,),
                workers=1,
                time_limit_s=seconds,
            )
    except ChipzincError:
        return []
    return [found.chips]


def _read(archive: Archive, file: Path) -> None:
    """Adds what was kept of instances that the archive does not know; a last line that is not whole is dropped."""
    content = file.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    os.truncate(file, len(whole))
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            row = json.loads(line)
            partitions = [(float(interval), np.array(chip, dtype=np.int64)) for interval, chip in row["partitions"]]
            archive.best.setdefault(row["instance"], partitions)
        except (ValueError, KeyError, TypeError):
            raise InputError("expected an instance and its partitions", file=file, line=number) from None


def _write(name: str, archive: Archive, file: Path) -> None:
    row = {"instance": name, "partitions": [[interval, chip.tolist()] for interval, chip in archive.best[name]]}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")
