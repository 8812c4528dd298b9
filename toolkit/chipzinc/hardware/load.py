"""From a spec's file or name to a `Package`.

The one place that turns fields of a spec into arrays. Knows nothing of graphs beyond the names of op kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import FloatArray, Incidence
from chipzinc.hardware import topology as shapes
from chipzinc.hardware.explain import did_you_mean
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.spec import MAX_CHIPS, ChipClass, Explicit, HardwareSpec, Mesh, parse_spec
from chipzinc.hardware.yaml import Document, FieldPath, read_yaml
from chipzinc.resources import hw_specs_dir


def spec_names() -> list[str]:
    """Names of the specs that come with the toolkit."""
    return sorted(file.stem for file in hw_specs_dir().glob("*.yaml"))


def find_spec(spec: str | Path) -> Path:
    """The file of a spec given as a file, or as the name of one that comes with the toolkit.

    Raises:
        InputError: if there is neither.
    """
    file = Path(spec)
    if file.is_file():
        return file
    if file.is_dir():
        raise InputError("is a folder; expected a hardware spec file", file=file)
    if file.suffix in (".yaml", ".yml", ".json") or len(file.parts) != 1:
        raise InputError("no such hardware spec file", file=file)
    named = hw_specs_dir() / f"{spec}.yaml"
    if not named.is_file():
        raise InputError(f"no hardware spec '{spec}', neither a file nor a name{did_you_mean(str(spec), spec_names())}")
    return named


def load_spec(spec: str | Path) -> Package:
    """Loads a hardware spec by file or by name.

    Raises:
        InputError: if it is missing or wrong, with file, line, column and field.
    """
    return build_package(read_yaml(find_spec(spec)))


def build_package(document: Document) -> Package:
    """Checks a spec's document and lays it out as arrays over chips in pipeline order.

    Raises:
        InputError: if it is wrong, with file, line, column and field.
    """
    spec = parse_spec(document)
    classes = _classes_by_place(spec, document)
    topology = _topology(spec, len(classes), document)
    place_of_chip = _order(spec, len(classes), document)
    chip_of_place = {place: chip for chip, place in enumerate(place_of_chip)}
    chips = [classes[place] for place in place_of_chip]
    _check_offchip(spec, document)

    link_index = {link: index for index, link in enumerate(topology.links)}
    routes = [topology.route(a, b) for a in place_of_chip for b in place_of_chip]
    links = [[chip_of_place[source], chip_of_place[target]] for source, target in topology.links]
    link_energy = spec.topology.energy_per_byte if spec.topology else None
    return Package(
        name=spec.name,
        chip_class=tuple(chip.class_name for chip in chips),
        peak_flops_per_us=_per_chip(chips, lambda chip: chip.peak),
        efficiency={chip.class_name: dict(chip.efficiency) for chip in spec.chips},
        sram_bytes=np.array([chip.sram for chip in chips], dtype=np.int64),
        sram_bytes_per_us=_per_chip(chips, lambda chip: chip.sram_bandwidth),
        overhead_us=_per_chip(chips, lambda chip: chip.overhead),
        offchip_bytes_per_us=_per_chip(chips, lambda chip: chip.offchip_bandwidth or 0.0),
        weights=spec.weights,
        weight_bits=spec.weight_bits,
        activation_bits=spec.activation_bits,
        communication=spec.communication,
        links=np.array(links, dtype=np.int64).reshape(-1, 2),
        link_bytes_per_us=_link_bandwidth(spec, len(links)),
        routes=Incidence.from_rows([[link_index[link] for link in route or ()] for route in routes]),
        reachable=np.array([route is not None for route in routes]).reshape(len(chips), -1),
        position=np.array(place_of_chip, dtype=np.int64),
        supported_kinds={c.class_name: tuple(c.supported_kinds) for c in spec.chips if c.supported_kinds is not None},
        picojoule_per_flop=_energy(spec, chips, "energy_per_flop", document),
        picojoule_per_sram_byte=_energy(spec, chips, "energy_per_sram_byte", document),
        picojoule_per_link_byte=None if link_energy is None else np.full(len(links), link_energy),
        rules=_rules(spec, document),
        time_spread=spec.time_spread,
        objective=spec.objective,
        source=document.file,
    )


def _classes_by_place(spec: HardwareSpec, document: Document) -> list[ChipClass]:
    names = [chip.class_name for chip in spec.chips]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise document.error(f"the class '{name}' is given twice", ("chips", index, "class"))
    classes = [chip for chip in spec.chips for _ in range(chip.count)]
    if len(classes) > MAX_CHIPS:
        raise document.error(f"{len(classes)} chips; at most {MAX_CHIPS} are supported", ("chips",))
    return classes


def _topology(spec: HardwareSpec, n: int, document: Document) -> shapes.Topology:
    match spec.topology:
        case None if spec.communication == "host":
            return shapes.Topology(n, (), lambda place, target: None)
        case None:
            raise document.error(f"the key 'topology' is missing; communication '{spec.communication}' needs links")
        case Mesh(rows=rows, columns=columns):
            if rows * columns != n:
                message = f"a mesh of {rows} x {columns} has {rows * columns} places, but there are {n} chips"
                raise document.error(message, ("topology", "rows"))
            return shapes.mesh(rows, columns)
        case Explicit() as listed:
            return shapes.explicit(n, _checked_links(listed, n, document))
        case line:
            build = {"ring-one-way": shapes.ring_one_way, "ring-two-way": shapes.ring_two_way, "chain": shapes.chain}
            return build[line.kind](n)


def _checked_links(listed: Explicit, n: int, document: Document) -> list[tuple[int, int]]:
    links = [(link.source, link.target) for link in listed.links]
    for index, (source, target) in enumerate(links):
        path = ("topology", "links", index)
        for end, place in (("from", source), ("to", target)):
            if place >= n:
                raise document.error(f"no place {place}; places are 0 to {n - 1}", (*path, end))
        if source == target:
            raise document.error(f"a link from place {source} to itself", path)
        if (source, target) in links[:index]:
            raise document.error(f"the link from place {source} to {target} is given twice", path)
    return links


def _order(spec: HardwareSpec, n: int, document: Document) -> list[int]:
    """Place of each chip of the pipeline order."""
    if isinstance(spec.order, list):
        if sorted(spec.order) != list(range(n)):
            raise document.error(f"expected each place from 0 to {n - 1} once", ("order",))
        return spec.order
    if isinstance(spec.topology, Mesh) and spec.order != "rows":
        return shapes.snake_order(spec.topology.rows, spec.topology.columns)
    if spec.order and not isinstance(spec.topology, Mesh):
        raise document.error(f"'{spec.order}' is an order of a mesh; expected a list of places", ("order",))
    return list(range(n))


def _check_offchip(spec: HardwareSpec, document: Document) -> None:
    needs = {"streamed weights": spec.weights == "streamed", "communication: host": spec.communication == "host"}
    for reason in (reason for reason, needed in needs.items() if needed):
        for index, chip in enumerate(spec.chips):
            if chip.offchip_bandwidth is None:
                raise document.error(f"the key 'offchip_bandwidth' is missing; {reason} needs it", ("chips", index))


def _link_bandwidth(spec: HardwareSpec, n_links: int) -> FloatArray:
    if spec.topology is None:
        return np.zeros(0)
    default = spec.topology.link_bandwidth
    if isinstance(spec.topology, Explicit):
        return np.array([link.bandwidth or default for link in spec.topology.links])
    return np.full(n_links, default)


def _per_chip(chips: list[ChipClass], value: Callable[[ChipClass], float]) -> FloatArray:
    return np.array([value(chip) for chip in chips], dtype=np.float64)


def _energy(spec: HardwareSpec, chips: list[ChipClass], field: str, document: Document) -> FloatArray | None:
    given = [getattr(chip, field) is not None for chip in spec.chips]
    if not any(given):
        return None
    if not all(given):
        missing = given.index(False)
        raise document.error(f"the key '{field}' is missing; another chip class has it", ("chips", missing))
    return _per_chip(chips, lambda chip: getattr(chip, field))


def _rules(spec: HardwareSpec, document: Document) -> tuple[RuleUse, ...]:
    uses: list[RuleUse] = []
    for index, rule in enumerate(spec.rules):
        line = document.values[("rules", index)][0]
        uses.append(
            RuleUse(rule, line=line)
            if isinstance(rule, str)
            else RuleUse(rule.name, rule.parameters, rule.soft_weight, line, _places(document, index))
        )
    return tuple(uses)


def _places(document: Document, rule: int) -> dict[FieldPath, tuple[int, int]]:
    """Where the parameters of a rule stand, by the path below them; the value of a mapping stands at its key."""
    above = ("rules", rule, "parameters")
    marks = document.values | document.keys
    return {path[3:]: mark for path, mark in marks.items() if path[:3] == above and len(path) > 3}
