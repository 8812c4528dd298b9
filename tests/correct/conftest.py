"""A warm embedded MiniZinc for the tests of correction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chipzinc.solve import Session, embedded, find_toolchain


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


@pytest.fixture(params=["chuffed", "gecode", pytest.param("cp-sat", marks=pytest.mark.slow)])
def solver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "cp-sat":
        pytest.importorskip("ortools")
    return name
