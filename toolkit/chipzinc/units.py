"""Quantities with units read from text, and the one place where floats become solver integers.

Inside the toolkit time is in µs, data in bytes, rates in bytes or flops per µs, energy in pJ. Knows nothing of
specs, graphs or solvers beyond the range of integers the weakest solver takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chipzinc.errors import InputError

SOLVER_LIMIT: Final = 2**28
"""Largest sum handed to a solver. Chuffed takes integers up to 500 million, Gecode up to 2**31 - 2."""

_DECIMAL: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_BINARY: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

BYTES: Final[Mapping[str, float]] = {f"{prefix}B": scale for prefix, scale in (_DECIMAL | _BINARY).items()}
"""Units of data, in bytes: kB, MB, GB are powers of ten; KiB, MiB, GiB powers of two."""

BYTES_PER_US: Final[Mapping[str, float]] = {
    **{f"{unit}/s": scale / 1e6 for unit, scale in BYTES.items()},
    **{f"{prefix}bit/s": scale / 8e6 for prefix, scale in _DECIMAL.items()},
}
"""Units of data rate, in bytes per µs."""

FLOPS_PER_US: Final[Mapping[str, float]] = {
    f"{prefix}{unit}": _DECIMAL[prefix] / 1e6 for prefix in ("M", "G", "T", "P") for unit in ("OPS", "FLOPS")
}
"""Units of compute rate, in operations per µs; a multiply-add counts as two."""

MICROSECONDS: Final[Mapping[str, float]] = {"ns": 1e-3, "us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6, "min": 6e7}
"""Units of time, in µs."""

PICOJOULES: Final[Mapping[str, float]] = {"fJ": 1e-3, "pJ": 1.0, "nJ": 1e3, "uJ": 1e6, "µJ": 1e6}
"""Units of energy, in pJ."""

_QUANTITY: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+)\s*([^\W\d]\S*)\s*")


def parse_quantity(text: object, units: Mapping[str, float], example: str) -> float:
    """Reads a number with a unit.

    Args:
        text: what the user wrote, such as ``32 MiB``; a bare number is refused, since its unit would be a guess.
        units: factor of each unit allowed.
        example: a well-formed quantity, for the message.

    Returns:
        The number times its unit's factor; never negative.

    Raises:
        InputError: if the text is no number with one of the units.
    """
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(f"expected a number with a unit such as '{example}', got {text!r}")
    number, unit = match.groups()
    if unit not in units:
        raise InputError(f"unknown unit '{unit}' in {text!r}: expected one of {', '.join(units)}")
    value = float(number) * units[unit]
    if not math.isfinite(value):
        raise InputError(f"{text!r} is too large")
    return value


_SPREAD: Final = re.compile(r"\s*(?:([0-9.]+)\s*%|(-?[0-9.]+)\s*%\s*\.\.\s*\+?(-?[0-9.]+)\s*%)\s*")


def parse_spread(text: object) -> tuple[float, float]:
    """Reads how far a quantity may lie from its nominal value: ``10%`` either way, or ``-5%..+20%``.

    Returns:
        The lowest and the highest it may be, as shares of the nominal value.

    Raises:
        InputError: if it is neither, or leads below 0.
    """
    match = _SPREAD.fullmatch(text) if isinstance(text, str) else None
    try:
        either_way, low, high = (float(part) if part else None for part in match.groups()) if match else (None,) * 3
    except ValueError:
        either_way = low = high = None
    if either_way is not None:
        low, high = -either_way, either_way
    if low is None or high is None or not -100 <= low <= high:
        raise InputError(f"expected a spread such as '10%' or '-5%..+20%', got {text!r}")
    return 1 + low / 100, 1 + high / 100


def parse_bytes(text: object) -> int:
    """Reads an amount of data in bytes; a fraction of a byte is dropped, as it holds nothing."""
    return math.floor(parse_quantity(text, BYTES, "32 MiB"))


def parse_bytes_per_us(text: object) -> float:
    """Reads a data rate in bytes per µs."""
    return parse_quantity(text, BYTES_PER_US, "16 GB/s")


def parse_flops_per_us(text: object) -> float:
    """Reads a compute rate in operations per µs."""
    return parse_quantity(text, FLOPS_PER_US, "4 TOPS")


def parse_us(text: object) -> float:
    """Reads a time in µs."""
    return parse_quantity(text, MICROSECONDS, "0.2 us")


def parse_picojoules(text: object) -> float:
    """Reads an energy in pJ."""
    return parse_quantity(text, PICOJOULES, "1.5 pJ")


class ScaledDemands(NamedTuple):
    """Demands and capacities as the integers a solver sees.

    Attributes:
        demands: same shape as the demands given.
        capacities: same shape as the capacities given.
        unit: size of the integer 1 in the caller's own unit.
    """

    demands: NDArray[np.int64]
    capacities: NDArray[np.int64]
    unit: float


def scale_demands(
    demands: ArrayLike, capacities: ArrayLike, *, alternatives: ArrayLike = (), limit: int = SOLVER_LIMIT
) -> ScaledDemands:
    """Scales demands and capacities for a constraint: what fits in integers fits in truth.

    Demand rounds up and capacity down. Whole numbers with a small sum are divided by their common divisor, which
    loses nothing; else each demand grows by less than one unit, about 2 * sum / `limit`. An item that no capacity
    holds still fits nowhere afterwards, but its demand is cut to just that, so that it cannot coarsen the unit.

    Args:
        demands: what each item takes, shape [item], or [item, choice] where an item takes one of several amounts.
        capacities: what each holder has, any shape.
        alternatives: further demands, of which a holder has but the largest, shape [alternative]; then the demands
            have shape [item], and those returned end with these.
        limit: largest sum of one demand per item, and largest capacity.

    Raises:
        InputError: if a number is negative or not finite, or the shapes do not go together.
    """
    demand, capacity = _checked(demands, "demand"), _checked(capacities, "capacity")
    single = _checked(alternatives, "demand")
    if single.size and demand.ndim != 1:
        raise InputError(f"expected demands of one dimension beside alternatives, got {demand.ndim}")
    ceiling = float(capacity.max()) if capacity.size else math.inf
    unit = _unit(np.minimum(demand, ceiling), np.minimum(single, ceiling), limit)
    demand = np.concatenate([demand, single]) if single.size else demand
    rounded = np.ceil(np.minimum(demand, ceiling) / unit)
    held = np.minimum(np.floor(np.floor(capacity) / unit if unit % 1 == 0 else capacity / unit), limit)
    rounded = np.where(demand > ceiling, held.max(initial=0) + 1, rounded)
    return ScaledDemands(rounded.astype(np.int64), held.astype(np.int64), unit)


def relax_demands(demands: ArrayLike, capacities: ArrayLike, *, limit: int = SOLVER_LIMIT) -> ScaledDemands:
    """Scales demands and capacities for a bound: what fits in truth fits in integers.

    Demand rounds down and capacity up, so that a proof that nothing fits in integers holds for the real numbers.

    Args:
        demands: as for `scale_demands`.
        capacities: as for `scale_demands`.
        limit: as for `scale_demands`.

    Raises:
        InputError: if a number is negative or not finite.
    """
    demand, capacity = _checked(demands, "demand"), _checked(capacities, "capacity")
    unit = _unit(demand, np.zeros(0), limit)
    return ScaledDemands(
        np.floor(demand / unit).astype(np.int64), np.minimum(np.ceil(capacity / unit), limit).astype(np.int64), unit
    )


def _checked(values: ArrayLike, what: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.size and not (np.isfinite(array).all() and array.min() >= 0):
        raise InputError(f"a {what} has to be a finite number of at least 0")
    return array


def _unit(demand: NDArray[np.float64], single: NDArray[np.float64], limit: int) -> float:
    """Size of the integer 1: the common divisor of whole demands where their sum allows it, else a power of two.

    Division by either is exact where it has to be: a power of two only moves the exponent, and the common divisor
    is a factor of numbers below 2**53.
    """
    every = np.concatenate([demand.ravel(), single])
    if not every.any():
        return 1.0
    items = demand.max(axis=1) if demand.ndim == 2 else demand
    if single.size:
        items = np.append(items, single.max())
    total = float(items.sum())
    if not (every % 1).any() and total < 2**53:
        divisor = float(np.gcd.reduce(every.astype(np.int64)))
        if total <= divisor * limit:
            return divisor
    room = limit - items.size  # rounding up adds less than one unit an item
    if room <= 0:
        raise InputError(f"{items.size} demands are too many for sums of at most {limit}")
    share = max(total / room, 2.0**-65)  # finer would overflow capacity / unit
    return math.ldexp(1.0, math.frexp(share)[1])
