"""Hints that nobody corrects: what holds as it is counts, the rest is lost. For showing what correction is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.baselines.driver import NOT_CORRECTED, Corrected, Corrector, Proposal
from chipzinc.rules.catalogue import selected_rules
from chipzinc.verify import verify


@dataclass(eq=False)
class Checker(Corrector):
    """A corrector that only asks the rules whether a hint holds."""

    def __call__(self, proposal: Proposal, time_limit_s: float | None = None) -> Corrected:
        """See `Corrector`; a hint that breaks a rule counts as one that was not corrected.

        Raises:
            SolverError: if the solver fails.
        """
        hints = self.first_hints(proposal)
        rules = selected_rules(self.package)
        verdicts = verify(
            self.session,
            self.graph,
            self.package,
            rules,
            self.coarsening.expand(hints),
            solver=self.solver,
            time_limit_s=time_limit_s,
        )
        valid = np.array([verdict.valid for verdict in verdicts], dtype=np.bool_)
        group_chip = np.where(valid[:, None], hints, NOT_CORRECTED)
        return Corrected(group_chip, self.intervals(group_chip))
