"""Both kinds of MiniZinc for the tests of solving, and a way to see what processes are left."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pytest

from chipzinc.errors import SolverError
from chipzinc.solve import Session, Toolchain, embedded, find_toolchain
from chipzinc.solve.toolchain import ENVIRONMENT

QUEENS = """\
include "alldifferent.mzn";
int: n;
array[1..n] of var 1..n: q;
constraint alldifferent(q);
constraint alldifferent([q[i] + i | i in 1..n]);
constraint alldifferent([q[i] - i | i in 1..n]);
solve :: int_search(q, input_order, indomain_min) satisfy;
"""

# Pigeons in too few holes, said pairwise: no solver here refutes it in any time a test would wait.
HARD = """\
array[1..16] of var 1..15: hole;
constraint forall(i, j in 1..16 where i < j)(hole[i] != hole[j]);
solve satisfy;
"""

# Easy to improve for a while, out of reach to prove: a Golomb ruler.
IMPROVING = """\
include "alldifferent.mzn";
array[1..13] of var 0..400: mark;
constraint mark[1] = 0 /\\ forall(i in 1..12)(mark[i] < mark[i + 1]);
constraint alldifferent([mark[j] - mark[i] | i, j in 1..13 where i < j]);
solve :: int_search(mark, input_order, indomain_min) minimize mark[13];
"""

# Compiling this takes far longer than any test: the sum is evaluated term by term.
SLOW_TO_COMPILE = """\
int: total = sum(i, j, k in 1..3000)((i * j * k) mod 7);
var 0..1: x;
constraint x <= total;
solve satisfy;
"""


@pytest.fixture(scope="session")
def embedded_toolchain() -> Toolchain:
    embedded.install()
    return find_toolchain(prefer="embedded")


@pytest.fixture(scope="session")
def native_toolchain() -> Toolchain:
    """A native MiniZinc: the environment's, PATH's, or the one that benchmarks/native_toolchain.py unpacks."""
    unpacked = Path(platformdirs.user_cache_dir("chipzinc")) / "native-trixie" / "bin" / "minizinc"
    with pytest.MonkeyPatch.context() as patch:
        if ENVIRONMENT not in os.environ and unpacked.exists():
            patch.setenv(ENVIRONMENT, str(unpacked))
        try:
            return find_toolchain("chuffed", prefer="native")
        except SolverError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session", params=["embedded", "native"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    found: Toolchain = request.getfixturevalue(f"{request.param}_toolchain")
    return found


@pytest.fixture(scope="module")
def session(toolchain: Toolchain) -> Iterator[Session]:
    with Session(toolchain) as opened:
        yield opened


@pytest.fixture(params=["gecode", "chuffed"])
def solver(request: pytest.FixtureRequest, toolchain: Toolchain) -> str:
    name: str = request.param
    if not toolchain.has(name):
        pytest.skip(f"no {name} in {toolchain.describe()}")
    return name


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Mark this process and what it starts from now on; the function lists the live ones, this process left out."""
    mark = f"CHIPZINC_TEST={uuid.uuid4()}"
    monkeypatch.setenv(*mark.split("="))

    def live() -> list[str]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if int(entry.name) != os.getpid() and mark.encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text().replace("\0", " ")[:200])
            except (OSError, ValueError):
                continue
        return found

    return live


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
