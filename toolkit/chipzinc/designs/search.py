"""`Search`: what is known of the partitions near a design, and the steps that learn more.

Cuts are sets of ops that cannot all stay; the cheapest ops that hit every cut bound the cost from below, and moving
them is the next partition to try. Where cuts are not enough, a part of the graph is solved by itself. Knows no rule;
memory over time counts as in correction.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from chipzinc.correct.overflow import live_set
from chipzinc.designs.confirm import clashing, suspects
from chipzinc.designs.culprits import outliers, widened
from chipzinc.designs.hitting import least_hitting_set
from chipzinc.designs.judgement import Fault, annotate
from chipzinc.designs.part import Found, Task, carries, mend_around, mend_part
from chipzinc.designs.start import starts
from chipzinc.designs.witness import NEVER
from chipzinc.errors import InfeasibleError, SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import BoolArray, IntArray
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session
from chipzinc.verify import Verdict, verify

Progress = Callable[[str], None]

PART_SHARE = 0.6
"""Share of the time for parts, before whole partitions are searched around them."""

AROUND_SHARE = 0.8
"""Share of the time for whole partitions around parts, before any op may move."""

START_SHARE = 0.85
"""Share of the time after which hints are no longer tried for want of a valid partition."""

MOST_CUTS = 30
"""Most cuts learnt from one answer."""

MOST_BACK = 40
"""Most ops of which one call asks whether they could go back."""

PATIENCE = 3
"""Parts after which parts grow faster."""

WHOLE_OPS = 400
"""Graphs of up to so many ops are asked about as a whole, though a valid partition is known."""

LEAST_S = 0.5
"""Time below which no solver is asked any more."""


class Search:
    """What is known so far.

    Attributes:
        best: the cheapest valid partition with its verdict, if there is any yet.
        least: no valid partition costs less.
        inside: ops of the part that matters, shape [op]; where nothing is valid, ops that have no place together.
        cuts: sets of ops that cannot all stay.
        guilty: the rule that by itself refuses every partition, where one was found to.
    """

    def __init__(
        self,
        session: Session,
        task: Task,
        groups: Coarsening,
        solver: str,
        time_limit_s: float | None,
        progress: Progress,
    ) -> None:
        self.session, self.task, self.groups, self.solver = session, task, groups, solver
        self.limit_s, self.progress, self.begin = time_limit_s, progress, time.monotonic()
        self.best: tuple[IntArray, Verdict] | None = None
        self.least = 0
        self.parts = 0
        self.cuts: list[tuple[int, ...]] = []
        self.guilty: SelectedRule | None = None
        self.part_share = PART_SHARE if self._may_move().any() else 1.0
        self.inside: BoolArray = np.zeros(task.graph.n_ops, dtype=bool)

    def run(self) -> None:
        """Open ops first, then parts, hints if these found nothing valid, the whole around the last part, the whole."""
        faults = self._try(self.task.wish)
        if self._done() or (faults and self._complete()):
            return
        self._move_outliers(faults)
        self._grow_parts(faults)
        if self.best is None and self._may_move().any():
            self._start()
        if not self._done() and self._may_move().any():
            self._around()
        if not self._done() and (self.best is None or len(self.inside) <= WHOLE_OPS):
            self.whole()

    # ---- steps --------------------------------------------------------------------------------------------

    def _complete(self) -> bool:
        """Fills in the open ops alone; whether that was enough."""
        free = self.task.design < 0
        while free.any() and self._left(self.part_share) > LEAST_S:
            self.progress(f"placing {int(free.sum())} open ops")
            found = mend_around(
                self.session,
                self.task,
                free,
                self.groups,
                solver=self.solver,
                most=0,
                time_limit_s=self._limit(self.part_share / 3),
            )
            if found.chips is None:
                return False
            n_sets = len(self.task.live_sets)
            self._try(found.chips)
            if self._done() or len(self.task.live_sets) == n_sets:
                return self._done()
        return False

    def _ask_rules_alone(self) -> None:
        """Whether a single rule refuses every partition that leaves the given chips as they are.

        Raises:
            InfeasibleError: if one does.
        """
        ops = np.arange(len(self.inside))
        for rule in (rule for rule in self.task.rules if rule.hard and carries(rule)):
            if self._left(self.part_share) < LEAST_S:
                return
            self.progress(f"asking {rule.name} alone")
            limit_s = None if self.limit_s is None else max(LEAST_S, self.limit_s / 10)
            alone = mend_part(self.session, self.task, ops, solver=self.solver, rules=[rule], time_limit_s=limit_s)
            if alone.impossible:
                self.inside[:] = True
                self.guilty = rule
                raise self._nothing()

    def _may_move(self) -> BoolArray:
        return np.asarray((self.task.design >= 0) & ~self.task.pinned)

    def _move_outliers(self, faults: list[Fault]) -> None:
        """A first valid partition, often the nearest: `outliers` move, and those put back stay.

        Then each moved op goes back, if the rest holds without its moving.
        """
        moved, may = np.zeros_like(self.inside), self._may_move()
        while faults and self._left(self.part_share) > LEAST_S:
            picked, back = outliers(self.task, faults, moved, may)
            if not picked.any() and not back.any():
                return
            moved, may = (moved | picked) & ~back, may & ~back
            faults = self._try(np.where(moved, self.task.beside(moved), self.task.wish), moved)
        if not faults:
            self._put_back()

    def _start(self) -> None:
        """Falls back on a slice and on corrected hints where nothing valid is known: an answer, near or not.

        Raises:
            InfeasibleError: if it is proven that no valid partition keeps the pins.
        """
        if self._left(START_SHARE) < LEAST_S:
            return
        self.progress("correcting hints, since no partition near the design holds yet")
        limit_s = self._limit(START_SHARE)
        try:
            for chips in starts(self.session, self.task, self.groups, solver=self.solver, time_limit_s=limit_s):
                self._try(chips)
        except InfeasibleError as proof:
            raise self._nothing() from proof
        except SolverError:
            self.progress("no hint was corrected in time")
        if self.best is not None:
            self._put_back()

    def _put_back(self) -> None:
        """Puts ops of the best partition back, all whose going back alone does no harm, else one of them."""
        assert self.best is not None
        while not self._done() and self._left(START_SHARE) > LEAST_S:
            chips = self.best[0]
            moved = np.flatnonzero(self.task.moved(chips))
            distance = np.abs(chips - self.task.design)[moved]
            moved = moved[np.argsort(distance, kind="stable")][:MOST_BACK]
            back = np.tile(chips, (len(moved), 1))
            back[np.arange(len(moved)), moved] = self.task.design[moved]
            verdicts = self._verify(back)
            harmless = [op for op, verdict in zip(moved, verdicts, strict=True) if verdict.valid]
            if not harmless:
                return
            together = chips.copy()
            together[harmless] = self.task.design[harmless]
            if self._try(together):
                alone = chips.copy()
                alone[harmless[0]] = self.task.design[harmless[0]]
                self._try(alone)

    def _grow_parts(self, faults: list[Fault]) -> None:
        """Moves the cheapest ops that hit every cut, and asks parts where that is not enough."""
        task = self.task
        self._blame(faults, np.zeros_like(self.inside))
        while not self._done() and self._left(self.part_share) > LEAST_S:
            chosen = self._hit(faults)
            chips, moved = self._part_answer(chosen) if self.inside.any() else (None, chosen)
            if moved is None or self._done():
                return
            if chips is None:
                chips = task.wish.copy()
                chips[moved] = self.task.beside(moved)[moved]
            n_sets = len(self.task.live_sets)
            faults = self._try(chips, moved)
            if self._done():
                return
            if self._blame(faults, moved) or len(self.task.live_sets) > n_sets:
                continue
            if self._may_move().any():
                if self._place(moved):
                    return
            elif self.parts == PATIENCE:
                self._ask_rules_alone()
            if not self._widen(faults, moved):
                return

    def _hit(self, faults: list[Fault]) -> BoolArray:
        """The cheapest ops that hit every cut; learns what they cost.

        Raises:
            InfeasibleError: if a cut has pinned ops only.
        """
        task = self.task
        favour = 10 * np.abs(task.elsewhere - task.wish)  # an op far from all its neighbours is the likely culprit
        for cut in [*self.cuts, *(fault.witness.ops for fault in faults)]:
            favour[list(cut)] += 1
        price = np.where(self._may_move(), task.price, 0)
        found = least_hitting_set(self.cuts, price, favour, self._limit(self.part_share))
        if found is None:
            raise self._nothing()
        chosen = np.zeros_like(self.inside)
        chosen[found[0]] = True
        self.least = max(self.least, found[1])
        return chosen

    def _part_answer(self, chosen: BoolArray) -> tuple[IntArray | None, BoolArray | None]:
        """What the part moves, with the ops outside that cuts demand; None where it found nothing in time."""
        self.parts += 1
        ops = np.flatnonzero(self.inside)
        self.progress(f"part {self.parts}: {len(ops)} ops and {len(self.cuts)} cuts, at least {self.least} to move")
        found = mend_part(
            self.session,
            self.task,
            ops,
            solver=self.solver,
            cuts=self.cuts,
            least=self.least,
            most=self._most(),
            time_limit_s=self._limit(self.part_share),
        )
        self._learn(found)
        if found.chips is None or not found.proven:
            return None, None
        chips, others = self.task.wish.copy(), list(found.others)
        chips[ops] = found.chips
        moved = self.task.moved(chips)
        moved[others] = True
        chips[others] = self.task.beside(moved)[others]
        return chips, moved

    def _place(self, moved: BoolArray) -> bool:
        """Looks in the whole for other chips for just these ops, where that settles the matter; whether it did."""
        if self._left(self.part_share) < LEAST_S:
            return False
        found = mend_around(
            self.session,
            self.task,
            moved | (self.task.design < 0),
            self.groups,
            solver=self.solver,
            most=self._most(),
            time_limit_s=self._limit(self.part_share),
        )
        if found.chips is not None:
            self._try(found.chips)
        return self._done()

    def _around(self) -> None:
        """Searches whole partitions that differ from the design in the last part and next to it."""
        free = self.inside.copy() if self.best is None else self.inside | self.task.moved(self.best[0])
        for _ in range(2):
            if self._done() or self._left(AROUND_SHARE) < LEAST_S:
                return
            free = self.task.neighbours(free) | (self.task.design < 0)
            self.progress(f"moving {int(free.sum())} ops in the whole")
            found = mend_around(
                self.session,
                self.task,
                free,
                self.groups,
                solver=self.solver,
                least=self.least,
                most=self._most(),
                time_limit_s=self._limit(AROUND_SHARE),
            )
            if found.chips is not None:
                self._try(found.chips)

    def whole(self) -> None:
        """Asks for the whole graph at once, every rule and every op: its answer is final.

        Raises:
            InfeasibleError: if no valid partition keeps the pins.
        """
        n_sets = -1
        while not self._done() and n_sets < len(self.task.live_sets) and self._left() > LEAST_S:
            n_sets = len(self.task.live_sets)
            self.inside[:] = True
            self.progress(f"moving any of {len(self.inside)} ops, at least {self.least}")
            found = mend_part(
                self.session,
                self.task,
                np.arange(len(self.inside)),
                solver=self.solver,
                least=self.least,
                most=self._most(),
                time_limit_s=self._limit(1.0),
            )
            self._learn(found)
            if found.chips is not None:
                self._try(found.chips)

    # ---- what is known ------------------------------------------------------------------------------------

    def _try(self, chips: IntArray, chosen: BoolArray | None = None) -> list[Fault]:
        """Judges a partition, keeps it if it is the best valid one, and returns what hard rules say against it.

        Ops that were chosen to move are not blamed where others can be.
        """
        task = self.task
        (verdict,) = self._verify(chips[None])
        reluctance = np.zeros(len(chips), dtype=np.int64)
        for cut in self.cuts:
            reluctance[list(cut)] += 1  # cuts without a common op bound the cost best
        reluctance[(chips != task.design) | (chosen if chosen is not None else False)] = NEVER
        found = annotate(task.graph, task.package, task.rules, chips, verdict, reluctance=reluctance)
        faults = [fault for fault in found if fault.hard]
        overflows = [fault.violation.overflow for fault in faults if fault.violation.overflow is not None]
        self.task = task.with_live_sets([live_set(overflow) for overflow in overflows])
        if not faults and (self.best is None or task.cost(chips) < task.cost(self.best[0])):
            self.best = (chips, verdict)
            self.progress(f"a valid partition moves {int(task.moved(chips).sum())} ops")
        return faults

    def _verify(self, partitions: IntArray) -> list[Verdict]:
        return verify(self.session, self.task.graph, self.task.package, self.task.rules, partitions)

    def _learn(self, found: Found) -> None:
        """Takes over what a part proves.

        Raises:
            InfeasibleError: if it proves that no valid partition keeps the pins.
        """
        self.least = max(self.least, found.bound)
        if found.impossible and self.best is None:
            raise self._nothing()

    def _nothing(self) -> InfeasibleError:
        kept = int((self.task.pinned & (self.task.design >= 0)).sum())
        keeping = f" that keeps the {kept} pinned ops" if kept else ""
        return InfeasibleError(f"no valid partition exists{keeping}: chipzinc explain says why")

    def _blame(self, faults: list[Fault], moved: BoolArray) -> bool:
        """Learns cuts, sets of ops one of which has to move, from what a part's answer violates; whether any is new."""
        task = self.task
        asked = suspects(task, faults, self.cuts, moved)[:MOST_CUTS]
        clash = clashing(self.session, task.graph, task.package, asked, task.design) if asked else []
        self.cuts += [ops for (_, ops), guilty in zip(asked, clash, strict=True) if guilty]
        return any(clash)

    def _widen(self, faults: list[Fault], moved: BoolArray) -> bool:
        """Takes more ops into the part; whether it grew."""
        before = int(self.inside.sum())
        self.inside = widened(self.task, self.inside, faults, moved, rounds=self.parts // PATIENCE)
        return int(self.inside.sum()) > before

    def _done(self) -> bool:
        return self.best is not None and self.task.cost(self.best[0]) <= self.least

    def _most(self) -> int | None:
        """Costs worth looking for: below the best's."""
        return None if self.best is None else self.task.cost(self.best[0]) - 1

    def _left(self, share: float = 1.0) -> float:
        return np.inf if self.limit_s is None else share * self.limit_s - (time.monotonic() - self.begin)

    def _limit(self, share: float) -> float | None:
        return None if self.limit_s is None else max(LEAST_S, self._left(share))
