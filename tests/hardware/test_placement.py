"""The package that a placement JSON carries."""

from __future__ import annotations

from typing import Any

import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.placement import placement_package

PLACEMENT: dict[str, Any] = {
    "maxFPGAs": 2,
    "maxCPUs": 1,
    "maxSizePerFPGA": 100.5,
    "nodes": [{"size": 70.2}, {"size": 60}],
}


def test_accelerators_come_first_and_processors_hold_everything_at_no_cost() -> None:
    package = placement_package(PLACEMENT)
    assert package.chip_class == ("fpga", "fpga", "cpu")
    assert package.sram_bytes.tolist() == [100, 100, 71 + 60]
    assert package.on_host is not None
    assert package.on_host.tolist() == [False, False, True]
    assert (package.communication, package.weights, package.n_links) == ("host", "resident", 0)
    assert package.reachable.all()


def test_a_size_as_a_whole_float_is_a_number_of_chips() -> None:
    assert placement_package({**PLACEMENT, "maxFPGAs": 2.0}).n_chips == 3


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("maxFPGAs", 1.5, "expected a whole number"),
        ("maxFPGAs", None, "expected a number of at least 0, got None"),
        ("maxCPUs", True, "expected a number of at least 0"),
        ("maxCPUs", -1, "expected a number of at least 0"),
        ("maxSizePerFPGA", float("nan"), "expected a number of at least 0"),
        ("maxFPGAs", 1000, "expected 1 to 256 accelerators and processors together"),
    ],
)
def test_a_number_that_cannot_be_is_refused_with_its_field(key: str, value: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        placement_package({**PLACEMENT, key: value})
    assert caught.value.field == key


def test_a_package_without_chips_is_refused() -> None:
    with pytest.raises(InputError, match="got 0"):
        placement_package({**PLACEMENT, "maxFPGAs": 0, "maxCPUs": 0})
