"""What a run of training left in its folder: whether there is one, how far it came, how it was told to train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chipzinc.errors import InputError
from chipzinc.policy.checkpoint import CONFIG, policy_config
from chipzinc.policy.train import LAST, TrainConfig


def has_run(directory: Path) -> bool:
    """Whether a run has saved anything in a folder."""
    return (directory / LAST / CONFIG).is_file()


def run_facts(directory: Path) -> dict[str, Any]:
    """How far the run in a folder has come.

    Raises:
        InputError: if there is none.
    """
    facts = policy_config(directory / LAST)["training"]
    return dict(facts) | {"samples_per_s": facts["samples"] / facts["seconds"] if facts["seconds"] else None}


def run_config(directory: Path) -> TrainConfig:
    """The configuration of a run's folder.

    Raises:
        InputError: if there is none.
    """
    if not has_run(directory):
        raise InputError(f"no run to resume in '{directory}'", field="--output")
    config = policy_config(directory / LAST)
    try:
        return TrainConfig.from_dict(config["training"]["config"])
    except (KeyError, TypeError) as error:
        raise InputError(f"not the configuration of a run: {error}", file=directory / LAST / CONFIG) from None
