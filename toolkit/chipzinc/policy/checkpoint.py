"""Policies on disk: weights as safetensors, sizes as JSON, and a card for people; written whole or not at all.

A checkpoint is a folder with `policy.safetensors`, `config.json` and `README.md`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from chipzinc.errors import InputError
from chipzinc.policy.candidate import LOAD_FEATURES, STANDING_FEATURES
from chipzinc.policy.features import CHIP_FEATURES, GROUP_FEATURES, PACKAGE_FEATURES
from chipzinc.policy.network import PolicyNetwork, build
from chipzinc.resources import models_dir

WEIGHTS, CONFIG, CARD = "policy.safetensors", "config.json", "README.md"
VERSION = 1
SHIPPED = "sliced"
"""Name of the policy that comes with the toolkit, taken unless another is asked for."""


def save_policy(network: PolicyNetwork, directory: Path, facts: Mapping[str, Any], card: str = "") -> None:
    """Writes a checkpoint; each file replaces the one before it at once.

    Args:
        network: the policy.
        directory: made if it is missing.
        facts: how it was trained, kept in the configuration.
        card: what people should know, in Markdown; none is written if empty.
    """
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    config = {"version": VERSION, "network": network.config.as_dict(), "columns": _columns(), "training": dict(facts)}
    write_whole(directory / WEIGHTS, save(weights))
    write_whole(directory / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    if card:
        write_whole(directory / CARD, card.encode())


def load_policy(name: str | Path) -> PolicyNetwork:
    """Reads a checkpoint: a folder, or the name of one in models/policies/.

    Raises:
        InputError: if there is none, it is damaged, or it reads other features than these.
    """
    directory = policy_dir(name)
    config = policy_config(directory)
    if config.get("columns") != _columns():
        raise InputError("the policy reads other features than this version computes", file=directory / CONFIG)
    try:
        network = build(config["network"])
        network.load_state_dict(load_file(directory / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(
            f"not the weights of a policy: {str(error).splitlines()[0]}", file=directory / WEIGHTS
        ) from None
    return network.eval()


def policy_config(directory: Path) -> dict[str, Any]:
    """The configuration of a checkpoint's folder, facts of its training among it.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"not the configuration of a policy: {error}", file=directory / CONFIG) from None
    if not isinstance(config, dict) or config.get("version") != VERSION:
        raise InputError(f"expected the configuration of a policy, version {VERSION}", file=directory / CONFIG)
    return config


def policy_sha256(name: str | Path) -> str:
    """A checksum of a checkpoint's weights.

    Raises:
        InputError: if there is none, or its weights cannot be read.
    """
    path = policy_dir(name) / WEIGHTS
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"not the weights of a policy: {error}", file=path) from None


def policy_dir(name: str | Path) -> Path:
    """The folder of a checkpoint by its path, or by its name in models/policies/.

    Raises:
        InputError: if there is none.
    """
    shipped = models_dir() / "policies"
    for directory in (Path(name), shipped / str(name)):
        if (directory / CONFIG).is_file():
            return directory
    known = sorted(each.parent.name for each in shipped.glob(f"*/{CONFIG}"))
    raise InputError(f"no policy '{name}': expected a checkpoint's folder, or one of {', '.join(known) or '(none)'}")


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees half of it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _columns() -> dict[str, list[str]]:
    return {
        "group": list(GROUP_FEATURES),
        "chip": list(CHIP_FEATURES),
        "package": list(PACKAGE_FEATURES),
        "load": list(LOAD_FEATURES),
        "standing": list(STANDING_FEATURES),
    }
