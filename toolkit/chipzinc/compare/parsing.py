"""Methods by their names and settings: `annealing:temperature=0.02,batch=10`."""

from __future__ import annotations

from dataclasses import fields
from importlib import metadata
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chipzinc.compare.case import Method
from chipzinc.compare.methods import BUILT_IN
from chipzinc.errors import InputError
from chipzinc.hardware.explain import did_you_mean

ENTRY_POINTS = "chipzinc.methods"
"""Group of the entry points by which other packages name methods of theirs."""


def method_names() -> tuple[str, ...]:
    """Every method there is, those of other packages last."""
    return (*BUILT_IN, *(entry.name for entry in _others() if entry.name not in BUILT_IN))


def parse_method(text: str) -> Method:
    """A method by its name and settings, such as ``annealing:temperature=0.02,batch=10``.

    Raises:
        InputError: if there is no such method or setting, or a setting's value is wrong.
    """
    name, _, written = text.partition(":")
    method = _method_class(name)
    given = dict(part.partition("=")[::2] for part in written.split(",") if part)
    known = {setting.name for setting in fields(method)}  # type: ignore[arg-type]
    for key, value in given.items():
        if key not in known:
            allowed = f"expected {', '.join(sorted(known))}" if known else "it has none"
            raise InputError(f"'{name}' has no setting '{key}': {allowed}", field="--method")
        if not value:
            raise InputError(f"the setting '{key}' of '{name}' needs a value: {key}=...", field="--method")
    try:
        return TypeAdapter(method).validate_python(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InputError(
            f"{name}: {wrong['loc'][0]}={given[str(wrong['loc'][0])]}: {wrong['msg']}", field="--method"
        ) from None


def _method_class(name: str) -> type[Method]:
    if name in BUILT_IN:
        return BUILT_IN[name]
    for entry in _others():
        if entry.name == name:
            try:
                loaded: Any = entry.load()
            except ImportError as error:
                raise InputError(f"the method '{name}' cannot be loaded: {error}", field="--method") from error
            return loaded  # type: ignore[no-any-return]
    raise InputError(f"no method '{name}'{did_you_mean(name, method_names())}", field="--method")


def _others() -> tuple[metadata.EntryPoint, ...]:
    return tuple(metadata.entry_points(group=ENTRY_POINTS))
