"""Solving: finds a MiniZinc, native or embedded, and runs models on it. Must not know rules, graphs or plans.

How the parts lie on each other: `request` (plain data) <- `backend` (the seams) <- `stream` and `flatzinc` (what is
said), `native` and `pool` (two ways to run) <- `minizinc_backend` (requests on either) <- `session` (what everyone
uses). `toolchain` finds, `embedded` installs, `doctor` reports. `cpsat` solves FlatZinc with OR-Tools.
"""

from chipzinc.solve.request import (
    CONCLUSIVE,
    Event,
    FlatModel,
    Message,
    Solution,
    SolveRequest,
    Source,
    Statistics,
    Status,
    Text,
)
from chipzinc.solve.session import Session
from chipzinc.solve.toolchain import Toolchain, find_toolchain

__all__ = [
    "CONCLUSIVE",
    "Event",
    "FlatModel",
    "Message",
    "Session",
    "Solution",
    "SolveRequest",
    "Source",
    "Statistics",
    "Status",
    "Text",
    "Toolchain",
    "find_toolchain",
]
