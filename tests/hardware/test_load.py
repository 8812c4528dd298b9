"""From a spec to arrays, and what is refused with which line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.load import build_package, find_spec, load_spec, spec_names
from chipzinc.hardware.package import Package
from chipzinc.hardware.yaml import parse_yaml

SPEC = """\
name: small
chips:
  - class: big
    count: 2
    peak: 4 TOPS
    sram: 1 MiB
    sram_bandwidth: 1 GB/s
topology:
  kind: chain
  link_bandwidth: 1 GB/s
rules: [acyclic_dataflow]
"""


def package(text: str) -> Package:
    return build_package(parse_yaml(text, Path("small.yaml")))


def refusal(old: str, new: str) -> InputError:
    assert old in SPEC
    with pytest.raises(InputError) as caught:
        package(SPEC.replace(old, new))
    return caught.value


@pytest.mark.parametrize(("name", "chips", "sram_mib"), [("mcm36-ring", 36, 32), ("mcm16-ring", 16, 64)])
def test_the_synthetic_rings_have_the_numbers_that_figures_are_compared_by(
    name: str, chips: int, sram_mib: int
) -> None:
    ring = load_spec(name)
    assert ring.n_chips == ring.n_links == chips
    assert set(ring.peak_flops_per_us) == {4e6}
    assert dict(ring.efficiency["accelerator"]) == {"matmul": 0.5, "conv": 0.5, "default": 0.1}
    assert set(ring.sram_bytes) == {sram_mib * 2**20}
    assert set(ring.sram_bytes_per_us) == {256e3}
    assert set(ring.link_bytes_per_us) == {8e3}
    assert set(ring.overhead_us) == {0.2}
    assert (ring.weights, ring.weight_bits, ring.activation_bits) == ("resident", 8, 8)
    assert ring.communication == "added"
    assert ring.links.tolist() == [[chip, (chip + 1) % chips] for chip in range(chips)]
    assert [(rule.name, rule.soft_weight) for rule in ring.rules] == [
        ("acyclic_dataflow", None),
        ("no_skipped_chips", None),
        ("triangle_dependency", None),
        ("memory_capacity", None),
    ]


def test_simba_adds_up_to_its_published_figures() -> None:
    simba = load_spec("simba36")
    assert simba.n_links == 120
    assert simba.peak_flops_per_us.sum() == pytest.approx(127.8e6)  # 127.8 TOPS, JSSC 2020
    assert simba.sram_bytes[0] == (16 * (32 + 8 + 3) + 64) * 1024  # 752 KiB of buffers, MICRO 2019
    centre = 14
    assert (simba.links == centre).any(axis=1).sum() * simba.link_bytes_per_us[0] == 100e3  # 100 GB/s a chip
    assert simba.picojoule_per_flop is not None
    assert 1 / simba.picojoule_per_flop[0] == pytest.approx(6.1, rel=0.01)  # TOPS/W, MICRO 2019


def test_an_edge_tpu_adds_up_to_its_published_figures() -> None:
    chain = load_spec("edgetpu8")
    assert (chain.n_chips, chain.n_links) == (8, 14)
    assert chain.picojoule_per_flop is not None
    assert chain.peak_flops_per_us[0] * chain.picojoule_per_flop[0] == pytest.approx(2e6)  # 2 W in pJ per µs
    assert chain.offchip_bytes_per_us[0] == 500
    assert (chain.weights, chain.sram_bytes[0]) == ("streamed", 8_000_000)


def test_a_heterogeneous_package_follows_its_pipeline_order() -> None:
    mixed = load_spec("hetero9-mesh")
    assert mixed.chip_class == ("output-stationary",) * 3 + ("weight-stationary",) * 6
    assert mixed.position.tolist() == [6, 7, 8, 5, 4, 3, 0, 1, 2]
    forward = {(chip, chip + 1) for chip in range(8)}
    assert forward <= {(a, b) for a, b in mixed.links.tolist()}


def test_a_mesh_is_numbered_along_the_snake_unless_the_spec_says_rows() -> None:
    mesh = SPEC.replace("count: 2", "count: 4").replace("kind: chain", "kind: mesh\n  rows: 2\n  columns: 2")
    assert package(mesh).position.tolist() == [0, 1, 3, 2]
    assert package(mesh + "order: rows\n").position.tolist() == [0, 1, 2, 3]


def test_routes_are_in_chip_numbers_and_in_order() -> None:
    loaded = load_spec("simba36")
    for source, target in [(0, 35), (35, 0), (7, 22)]:
        route = loaded.links[loaded.routes[source * 36 + target]]
        assert route[0, 0] == source
        assert route[-1, 1] == target
        assert (route[1:, 0] == route[:-1, 1]).all()
    assert len(loaded.routes[0]) == 0
    assert loaded.reachable.all()


def test_listed_links_keep_their_own_bandwidth_and_leave_the_rest_unreachable() -> None:
    listed = SPEC.replace("kind: chain", "kind: explicit\n  links: [{from: 0, to: 1, bandwidth: 2 GB/s}]")
    assert package(listed).link_bytes_per_us.tolist() == [2000]
    assert package(listed).reachable.tolist() == [[True, True], [False, True]]


def test_a_rule_keeps_its_parameters_weight_and_line() -> None:
    rules = "rules:\n  - acyclic_dataflow\n  - name: max_hops\n    parameters: {hops: 3}\n    soft_weight: 2.5\n"
    first, second = package(SPEC.replace("rules: [acyclic_dataflow]\n", rules)).rules
    assert (first.name, first.line) == ("acyclic_dataflow", 12)
    assert (second.name, second.parameters, second.soft_weight, second.line) == ("max_hops", {"hops": 3}, 2.5, 13)


def test_a_package_through_the_host_needs_no_links() -> None:
    text = SPEC.replace("topology:\n  kind: chain\n  link_bandwidth: 1 GB/s\n", "communication: host\n")
    host = package(text.replace("count: 2", "count: 2\n    offchip_bandwidth: 1 GB/s"))
    assert host.n_links == 0
    assert host.offchip_bytes_per_us.tolist() == [1000, 1000]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "field", "message"),
    [
        ("sram: 1 MiB", "srm: 1 MiB", 6, 5, "chips[0].srm", "did you mean 'sram'"),
        ("rules:", "rule:", 11, 1, "rule", "did you mean 'rules'"),
        ("kind: chain", "kind: chain\n  rows: 2", 10, 3, "topology.rows", "unknown key"),
        ("1 MiB", "1 MB/s", 6, 11, "chips[0].sram", "unknown unit 'MB/s'"),
        ("1 MiB", "0 MiB", 6, 11, "chips[0].sram", "greater than 0"),
        ("1 MiB", "1048576", 6, 11, "chips[0].sram", "a number with a unit such as '32 MiB'"),
        ("count: 2", "count: 0", 4, 12, "chips[0].count", "greater than or equal to 1"),
        ("count: 2", "count: true", 4, 12, "chips[0].count", "integer"),
        ("count: 2", "count: 1000", 4, 12, "chips[0].count", "256"),
        ("    count: 2\n", "", 3, 5, "chips[0]", "the key 'count' is missing"),
        (
            "kind: chain",
            "kind: torus",
            9,
            9,
            "topology.kind",
            "expected one of: ring-one-way, ring-two-way, chain, mesh, explicit",
        ),
        (
            "kind: chain",
            "kind: mesh\n  rows: 2\n  columns: 2",
            10,
            9,
            "topology.rows",
            "4 places, but there are 2 chips",
        ),
        ("name: small", "name: [1]", 1, 7, "name", "expected a valid string, got a list"),
        ("rules:", "weight_bits: 0\nrules:", 11, 14, "weight_bits", "greater than or equal to 1"),
        ("rules:", "communication: hots\nrules:", 11, 16, "communication", "'added', 'overlapped' or 'host'"),
        ("rules:", "weights: streamed\nrules:", 3, 5, "chips[0]", "'offchip_bandwidth' is missing"),
        ("rules:", "order: [0, 0]\nrules:", 11, 8, "order", "each place from 0 to 1 once"),
        ("rules:", "order: snake\nrules:", 11, 8, "order", "an order of a mesh"),
        ("[acyclic_dataflow]", "[{name: x, soft: 1}]", 11, 19, "rules[0].soft", "did you mean 'soft_weight'"),
        ("[acyclic_dataflow]", "[Bad Name]", 11, 9, "rules[0]", "pattern"),
        ("sram: 1 MiB", "sram: 1 MiB\n    efficiency: {matmull: 0.5}", 7, 17, "chips[0].efficiency", "mean 'matmul'"),
        ("sram: 1 MiB", "sram: 1 MiB\n    efficiency: {conv: 1.5}", 7, 24, "chips[0].efficiency.conv", "less than"),
        ("sram: 1 MiB", "sram: 1 MiB\n    supported_kinds: [cnv]", 7, 23, "chips[0].supported_kinds[0]", "mean 'conv'"),
    ],
)
def test_a_wrong_spec_is_refused_at_its_line_column_and_field(
    old: str, new: str, line: int, column: int, field: str, message: str
) -> None:
    error = refusal(old, new)
    assert message in error.message
    assert (error.line, error.column, error.field) == (line, column, field)
    assert str(error).startswith(f"small.yaml:{line}:{column}: {field}: ")


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ("[{from: 0, to: 2}]", "no place 2"),
        ("[{from: 1, to: 1}]", "to itself"),
        ("[{from: 0, to: 1}, {from: 0, to: 1}]", "given twice"),
        ("[]", "at least 1 item"),
    ],
)
def test_a_link_that_cannot_be_is_refused(links: str, message: str) -> None:
    assert message in refusal("kind: chain", f"kind: explicit\n  links: {links}").message


def test_energy_of_one_class_asks_for_that_of_the_others() -> None:
    second = "  - {class: small, count: 1, peak: 1 TOPS, sram: 1 MiB, sram_bandwidth: 1 GB/s}\ntopology:"
    with pytest.raises(InputError, match="'energy_per_flop' is missing"):
        package(SPEC.replace("count: 2", "count: 2\n    energy_per_flop: 1 pJ").replace("topology:", second))


def test_a_class_given_twice_is_refused() -> None:
    second = "  - {class: big, count: 1, peak: 1 TOPS, sram: 1 MiB, sram_bandwidth: 1 GB/s}\ntopology:"
    assert "given twice" in refusal("topology:", second).message


@pytest.mark.parametrize("text", ["", "[1]", "just text"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected a hardware spec"):
        package(text)


def test_a_spec_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    assert spec_names() == ["edgetpu8", "hetero9-mesh", "mcm16-ring", "mcm36-ring", "simba36"]
    (tmp_path / "mine.yaml").write_text(SPEC)
    loaded = load_spec(tmp_path / "mine.yaml")
    assert (loaded.name, loaded.source) == ("small", tmp_path / "mine.yaml")
    assert find_spec("simba36").name == "simba36.yaml"


def test_a_spec_that_does_not_exist_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'mcm36-ring'"):
        find_spec("mcm36ring")
    with pytest.raises(InputError, match="no such hardware spec file"):
        find_spec(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", spec_names())
def test_every_spec_is_consistent(name: str) -> None:
    loaded = load_spec(name)
    assert loaded.name == name
    assert np.array_equal(np.sort(loaded.position), np.arange(loaded.n_chips))
    assert len(loaded.routes) == loaded.n_chips**2
    assert loaded.reachable.all()
