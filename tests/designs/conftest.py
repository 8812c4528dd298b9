"""The MiniZinc that comes with the toolkit, kept warm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chipzinc.solve import Session, embedded


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(prefer="embedded") as opened:
        yield opened
