"""The hardware spec as people write it: its fields, their units, and what is refused.

Knows the file's shape only; the arrays over chips and links are built in `chipzinc.hardware.load`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError

from chipzinc import units
from chipzinc.errors import InputError
from chipzinc.graph.kinds import FAMILY_OF_KIND, KINDS_OF_FAMILY
from chipzinc.hardware.explain import did_you_mean, first_problem
from chipzinc.hardware.package import Communication
from chipzinc.hardware.yaml import Document, FieldPath

RULE_NAME: Final = "^[a-z][a-z0-9_]*$"

MAX_CHIPS: Final = 256
"""Largest package; routes are kept for every pair of chips."""


def _quantity(parse: Callable[[object], float], table: Iterable[str], example: str) -> tuple[Any, Any]:
    """Annotations that read a quantity, and that tell the JSON Schema which units there are."""

    def read(text: object) -> float:
        try:
            return parse(text)
        except InputError as error:
            raise ValueError(error.message) from error

    number = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?"
    text_schema = {"type": "string", "pattern": rf"^\s*{number}\s*({'|'.join(table)})\s*$", "examples": [example]}

    def as_text(schema: dict[str, Any]) -> None:
        for of_the_number in ("gt", "ge"):
            schema.pop(of_the_number, None)
        schema.update(text_schema)

    return BeforeValidator(read), Field(json_schema_extra=as_text)


def _checked_kind(name: str) -> str:
    known = {*FAMILY_OF_KIND, *KINDS_OF_FAMILY}
    if name not in known:
        raise ValueError(f"'{name}' is no op kind or family{did_you_mean(name, known)}")
    return name


def _checked_efficiency(shares: dict[str, float]) -> dict[str, float]:
    for name in shares.keys() - {"default"}:
        _checked_kind(name)
    return shares


def _read_spread(text: object) -> tuple[float, float]:
    try:
        return units.parse_spread(text)
    except InputError as error:
        raise ValueError(error.message) from error


def _checked_spread(spread: object) -> object:
    """One spread is that of every kind."""
    if not isinstance(spread, dict):
        return {"default": spread}
    for name in spread.keys() - {"default"}:
        _checked_kind(name)
    return spread


_read_bytes, _bytes_schema = _quantity(units.parse_bytes, units.BYTES, "32 MiB")
_read_rate, _rate_schema = _quantity(units.parse_bytes_per_us, units.BYTES_PER_US, "16 GB/s")
_read_peak, _peak_schema = _quantity(units.parse_flops_per_us, units.FLOPS_PER_US, "4 TOPS")
_read_time, _time_schema = _quantity(units.parse_us, units.MICROSECONDS, "0.2 us")
_read_energy, _energy_schema = _quantity(units.parse_picojoules, units.PICOJOULES, "1.5 pJ")

Bytes = Annotated[int, _read_bytes, Field(gt=0), _bytes_schema]
BytesPerUs = Annotated[float, _read_rate, Field(gt=0), _rate_schema]
FlopsPerUs = Annotated[float, _read_peak, Field(gt=0), _peak_schema]
Microseconds = Annotated[float, _read_time, Field(ge=0), _time_schema]
Picojoules = Annotated[float, _read_energy, Field(ge=0), _energy_schema]
KindOrFamily = Annotated[str, BeforeValidator(lambda name: _checked_kind(name) if isinstance(name, str) else name)]
_spread_schema: dict[str, Any] = {"type": "string", "examples": ["10%", "-5%..+20%"]}


def _as_text(schema: dict[str, Any]) -> None:
    """A spread is written as text."""
    schema.clear()
    schema.update(_spread_schema)


Spread = Annotated[
    tuple[float, float],
    BeforeValidator(_read_spread),
    Field(json_schema_extra=_as_text),
]
Share = Annotated[float, Field(gt=0, le=1)]
RuleName = Annotated[str, Field(pattern=RULE_NAME)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ChipClass(_Fields):
    """A number of chips that are alike."""

    class_name: Annotated[str, Field(alias="class", min_length=1, description="Name of the class, for people.")]
    count: Annotated[int, Field(ge=1, le=MAX_CHIPS, description="Chips of this class.")]
    peak: Annotated[FlopsPerUs, Field(description="Compute rate; a multiply-add counts as two.")]
    efficiency: Annotated[
        dict[str, Share],
        BeforeValidator(lambda shares: _checked_efficiency(shares) if isinstance(shares, dict) else shares),
        Field(
            default_factory=dict,
            description="Share of the peak that an op kind, a family of kinds, or `default` reaches; 1 if silent.",
        ),
    ]
    sram: Annotated[Bytes, Field(description="On-chip memory.")]
    sram_bandwidth: Annotated[BytesPerUs, Field(description="Rate at which an op reads and writes on-chip memory.")]
    overhead: Microseconds = Field("0 us", validate_default=True, description="Time every op adds that is not free.")
    offchip_bandwidth: Annotated[
        BytesPerUs | None, Field(description="Rate of the chip's own path to memory behind the SRAM, or to the host.")
    ] = None
    supported_kinds: Annotated[
        list[KindOrFamily] | None, Field(min_length=1, description="Kinds or families it can run; all if silent.")
    ] = None
    energy_per_flop: Picojoules | None = None
    energy_per_sram_byte: Picojoules | None = None


def _checked_topology_kind(kind: object) -> object:
    kinds = ("ring-one-way", "ring-two-way", "chain", "mesh", "explicit")
    if kind not in kinds:
        raise ValueError(f"{kind!r} is no topology; expected one of: {', '.join(kinds)}")
    return kind


class _Linked(_Fields):
    link_bandwidth: Annotated[BytesPerUs, Field(description="Rate of one link in one direction.")]
    energy_per_byte: Annotated[Picojoules | None, Field(description="Energy of one byte over one link.")] = None


class Line(_Linked):
    """Chips in a row: a ring with links one way or both ways, or an open chain with links both ways."""

    kind: Annotated[Literal["ring-one-way", "ring-two-way", "chain"], BeforeValidator(_checked_topology_kind)]


class Mesh(_Linked):
    """A grid with links both ways between neighbours; routes go along the row first, then along the column."""

    kind: Literal["mesh"]
    rows: Annotated[int, Field(ge=1, le=MAX_CHIPS)]
    columns: Annotated[int, Field(ge=1, le=MAX_CHIPS)]


class Link(_Fields):
    """A link from one place of the package to another, one way."""

    source: Annotated[int, Field(alias="from", ge=0)]
    target: Annotated[int, Field(alias="to", ge=0)]
    bandwidth: BytesPerUs | None = None


class Explicit(_Linked):
    """Links as listed; routes have the fewest links, ties go to the lowest next place."""

    kind: Literal["explicit"]
    links: Annotated[list[Link], Field(min_length=1)]


class Rule(_Fields):
    """A rule with parameters, or one that may be violated at a price."""

    name: RuleName
    parameters: Annotated[dict[str, Any], Field(default_factory=dict)]
    soft_weight: Annotated[
        Annotated[float, Field(gt=0)] | None, Field(description="Penalty of one violated instance; hard if silent.")
    ] = None


def _topology_tag(topology: object) -> str:
    kind = topology.get("kind") if isinstance(topology, dict) else getattr(topology, "kind", None)
    return kind if kind in ("mesh", "explicit") else "line"


AnyTopology = Annotated[
    Annotated[Line, Tag("line")] | Annotated[Mesh, Tag("mesh")] | Annotated[Explicit, Tag("explicit")],
    Discriminator(_topology_tag),
]
Order = Annotated[
    Annotated[Literal["snake", "rows"], Tag("name")] | Annotated[list[int], Tag("places")],
    Discriminator(lambda order: "places" if isinstance(order, list) else "name"),
]
AnyRule = Annotated[
    Annotated[RuleName, Tag("name")] | Annotated[Rule, Tag("rule")],
    Discriminator(lambda rule: "name" if isinstance(rule, str) else "rule"),
]


def _or_one(schema: dict[str, Any]) -> None:
    """A field of spreads by kind that may also be one spread of all."""
    described = {name: schema.pop(name) for name in ("description", "title") if name in schema}
    by_kind = dict(schema)
    schema.clear()
    schema.update(described | {"anyOf": [_spread_schema, by_kind]})


class HardwareSpec(_Fields):
    """A package of chips, how they are joined, and the rules that hold on it."""

    editor_schema: Annotated[
        str | None,
        Field(alias="$schema", description="Where an editor finds the schema of specs; nothing else reads it."),
    ] = None
    name: Annotated[str, Field(min_length=1)]
    description: str = ""
    chips: Annotated[list[ChipClass], Field(min_length=1, description="Classes in the order of their places.")]
    topology: Annotated[
        AnyTopology | None,
        Field(description="How the chips are joined; silent only where communication goes through the host."),
    ] = None
    order: Annotated[
        Order | None,
        Field(description="Place of each chip of the pipeline order: a list, or on a mesh `snake` or `rows`."),
    ] = None
    weights: Annotated[
        Literal["resident", "streamed"], Field(description="Whether weights have to fit the SRAM or may be streamed.")
    ] = "resident"
    weight_bits: Annotated[int | None, Field(ge=1, le=64, description="Overrides the exported dtype.")] = None
    activation_bits: Annotated[int | None, Field(ge=1, le=64, description="Overrides the exported dtype.")] = None
    communication: Communication = "added"
    time_spread: Annotated[
        dict[str, Spread],
        BeforeValidator(_checked_spread),
        Field(
            default_factory=dict,
            description="How far the times of ops may lie from the model's: `10%`, or by kind, family or `default`.",
            json_schema_extra=_or_one,
        ),
    ]
    objective: Annotated[
        str,
        Field(
            min_length=1,
            description="What optimising minimises: `interval`, in order `interval > chips_used`, or a weighted sum.",
        ),
    ] = "interval"
    rules: Annotated[list[AnyRule], Field(default_factory=list)]


_MODEL_AT: Final[Mapping[tuple[str, ...], tuple[type[BaseModel], ...]]] = {
    (): (HardwareSpec,),
    ("chips",): (ChipClass,),
    ("topology",): (Mesh, Explicit),
    ("topology", "links"): (Link,),
    ("rules",): (Rule,),
}


def parse_spec(document: Document) -> HardwareSpec:
    """Checks a document against the fields of a hardware spec.

    Raises:
        InputError: for the first thing wrong, with line, column, field, and what was expected.
    """
    if not isinstance(document.data, dict):
        raise document.error("expected a hardware spec: a mapping with name, chips, topology and rules")
    try:
        return HardwareSpec.model_validate(document.data)
    except ValidationError as error:
        raise first_problem(document, error, _keys_at) from error


def _keys_at(path: FieldPath) -> list[str]:
    around = tuple(part for part in path[:-1] if isinstance(part, str))
    models = _MODEL_AT.get(around, ())
    return [field.alias or name for model in models for name, field in model.model_fields.items()]
