"""Proposals as plain tensors, for the state of a run."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch

from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.draws import Draws, Pass
from chipzinc.policy.explore import Proposal
from chipzinc.policy.instance import Instance

_PACKED = tuple(each.name for each in fields(Pass) if each.name != "candidates")


def packed(proposal: Proposal) -> dict[str, Any]:
    """A proposal as plain tensors; candidates are computed anew from their chips."""

    def draws(part: Draws | None) -> Any:
        if part is None:
            return None
        passes = [
            tuple(torch.as_tensor(a) for a in (each.candidates.chip, *(getattr(each, name) for name in _PACKED)))
            for each in part.passes
        ]
        return {"passes": passes, "ranking": torch.as_tensor(part.ranking)}

    known_us = torch.as_tensor(proposal.known_us)
    return {"fresh": draws(proposal.fresh), "refined": draws(proposal.refined), "known_us": known_us}


def unpacked(instance: Instance, packed: dict[str, Any]) -> Proposal:
    """The inverse of `packed`, for the proposal's instance."""

    def draws(part: Any) -> Draws | None:
        if part is None:
            return None
        passes = []
        for parts in part["passes"]:
            start, *drawn = (each.numpy() for each in parts)
            passes.append(Pass(candidates_of(instance, start), *drawn))
        return Draws(tuple(passes), part["ranking"].numpy())

    return Proposal(draws(packed["fresh"]), draws(packed["refined"]), packed["known_us"].numpy())
