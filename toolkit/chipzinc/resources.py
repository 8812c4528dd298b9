"""Where the files that are not Python stand: MiniZinc rules, hardware specs, the model zoo.

In a checkout they are at the top of the repository, in an installed wheel inside the package. Knows nothing of
what is in them.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _directory(name: str) -> Path:
    inside = _PACKAGE / "_data" / name
    return inside if inside.is_dir() else _PACKAGE.parents[1] / name


def mzn_dir() -> Path:
    """The folder of the MiniZinc template, rules, objectives and searches."""
    return _directory("mzn")


def hw_specs_dir() -> Path:
    """The folder of the hardware specs that have a name."""
    return _directory("hw_specs")


def models_dir() -> Path:
    """The folder of the model zoo: ``graphs/``, and ``policies/`` where one has been trained."""
    return _directory("models")
