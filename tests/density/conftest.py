"""A warm MiniZinc for the tests of counting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chipzinc.solve import Session


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(solver="gecode") as opened:
        yield opened
