"""Sweeps are read as people write them, and each value makes the package that a spec with it would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.hardware.sweep import parse_sweep


def swept(spec: str | Path, text: str) -> list[Package]:
    package, sweep = load_spec(spec), parse_sweep(text)
    return [sweep.package(package, value) for value in sweep.values]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("chips=4..7", (4, 5, 6, 7)),
        ("chips=4..36:16", (4, 20, 36)),
        ("chips=4,8..10,8", (4, 8, 9, 10)),
        ("sram=16MiB..64MiB", ("16 MiB", "32 MiB", "64 MiB")),
        ("sram=16..40 MiB:8", ("16 MiB", "24 MiB", "32 MiB", "40 MiB")),
        ("links=2GB/s..4GB/s:1GB/s", ("2 GB/s", "3 GB/s", "4 GB/s")),
        ("chips[0].efficiency.default=0.1..0.3:0.1", (0.1, 0.2, 0.3)),
        ("communication=added,overlapped", ("added", "overlapped")),
    ],
)
def test_a_sweep_means_these_values(text: str, values: tuple[object, ...]) -> None:
    assert parse_sweep(text).values == values


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("chips", "expected a field and its values"),
        ("=4..6", "expected a field and its values"),
        ("chips=", "expected a field and its values"),
        ("chips=9..4", "from a smaller to a larger"),
        ("chips=4..9:0", "from a smaller to a larger"),
        ("chips=a..b", "expected a number with or without a unit, got 'a'"),
        ("chips=1..100000", "at most 200"),
        ("sram=1MiB..2GiB", "expected one unit"),
        ("sram=1MiB..2MiB:1kB", "expected a step in MiB"),
        ("sram=0MiB..2MiB", "from above 0"),
        ("x=0.1..0.4", "expected a step"),
        ("x=[1]", "expected a value or a range"),
        ("x=true", "expected a value or a range"),
    ],
)
def test_a_sweep_that_cannot_be_read_says_why(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as told:
        parse_sweep(text)
    assert complaint in str(told.value)
    assert told.value.field == "--sweep"


def test_short_names_stand_for_fields_of_the_spec() -> None:
    assert [package.n_chips for package in swept("mcm36-ring", "chips=4..36:16")] == [4, 20, 36]
    assert [package.sram_bytes.tolist() for package in swept("mcm16-ring", "sram=1kB,2kB")] == [
        [1000] * 16,
        [2000] * 16,
    ]
    assert swept("mcm16-ring", "links=2GB/s")[0].link_bytes_per_us.tolist() == [2000.0] * 16


def test_any_other_field_is_named_by_its_path() -> None:
    assert swept("mcm16-ring", "chips[0].peak=8TOPS")[0].peak_flops_per_us[0] == 8e6
    assert swept("mcm16-ring", "topology.kind=chain")[0].n_links == 30
    assert swept("mcm16-ring", "chips[0].efficiency.default=0.25")[0].efficiency["accelerator"]["default"] == 0.25


def test_chips_come_and_go_in_the_last_class(tmp_path: Path) -> None:
    classes = [
        {"class": name, "count": 2, "peak": "1 TOPS", "sram": "1 MiB", "sram_bandwidth": "1 GB/s"}
        for name in ("big", "small")
    ]
    file = tmp_path / "two.json"
    topology = {"kind": "chain", "link_bandwidth": "1 GB/s"}
    file.write_text(json.dumps({"name": "two", "chips": classes, "topology": topology}))
    assert swept(file, "chips=3")[0].chip_class == ("big", "big", "small")
    with pytest.raises(InputError, match="the classes before the last have 2 chips already"):
        swept(file, "chips=2")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("chips=0", "chips=0: expected a whole number from 1 to 256"),
        ("chips=many", "chips=many: expected a whole number"),
        ("sram=-1", "sram=-1:"),
        ("sram=8 parsecs", "sram=8 parsecs: chips[0].sram:"),
        ("speed=3", "speed=3: unknown key"),
        ("chips[3].peak=1TOPS", "there is no '3' in the spec"),
        ("chips[0].sram[0]=3", "there is no '0' in the spec"),
        ("topology.speed.x=1", "there is no 'speed' in the spec"),
        ("Chips=4", "expected a field's name"),
    ],
)
def test_a_value_that_does_not_suit_the_spec_is_told_with_its_field(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as told:
        swept("mcm16-ring", text)
    assert complaint in str(told.value)


def test_a_mesh_whose_rows_and_columns_do_not_match_is_refused() -> None:
    with pytest.raises(InputError, match="chips=7: "):
        swept("simba36", "chips=7")


def test_a_placement_file_has_its_own_fields(tmp_path: Path) -> None:
    file = tmp_path / "placement.json"
    data = {"maxFPGAs": 2, "maxCPUs": 1, "maxSizePerFPGA": 10, "nodes": [], "edges": []}
    file.write_text(json.dumps(data))
    package = placement_package(data, file)
    assert parse_sweep("chips=4").package(package, 4).n_chips == 5
    assert parse_sweep("sram=7").package(package, 7).sram_bytes[0] == 7
    with pytest.raises(InputError, match="a placement JSON has chips, sram"):
        parse_sweep("links=7").package(package, 7)
