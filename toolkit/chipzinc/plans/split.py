"""`Split`: the split files that accompany placement JSON.

Knows nothing of files. Format and meaning: Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph
Operators", NeurIPS 2020, and the programs published with it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NodeId = Annotated[int, Field(strict=True)]


class Device(BaseModel):
    """One device and the nodes placed on it; whatever else the file says of it (its load) is computed anew."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    nodes: tuple[NodeId, ...]


class Split(BaseModel):
    """Which nodes go to which device of each kind.

    Attributes:
        fpgas: the accelerators.
        cpus: the CPUs.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    fpgas: tuple[Device, ...]
    cpus: tuple[Device, ...] = ()
