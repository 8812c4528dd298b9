"""A checkpoint comes back as it was saved, or is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from chipzinc.errors import InputError
from chipzinc.policy import checkpoint
from chipzinc.policy.checkpoint import CONFIG, WEIGHTS, load_policy, policy_config, save_policy
from chipzinc.policy.network import PolicyNetwork, build


@pytest.fixture
def saved(tmp_path: Path, network: PolicyNetwork) -> Path:
    save_policy(network, tmp_path / "p", {"seed": 3}, card="# A card\n")
    return tmp_path / "p"


def test_weights_and_facts_come_back(saved: Path, network: PolicyNetwork) -> None:
    loaded = load_policy(saved)
    assert loaded.config == network.config
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), loaded.parameters(), strict=True))
    assert policy_config(saved)["training"] == {"seed": 3}
    assert {path.name for path in saved.iterdir()} == {WEIGHTS, CONFIG, "README.md"}


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all"])
def test_damaged_weights_are_refused(saved: Path, damage: bytes) -> None:
    (saved / WEIGHTS).write_bytes(damage or (saved / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(InputError, match=f"{WEIGHTS}: not the weights of a policy") as refused:
        load_policy(saved)
    assert "\n" not in str(refused.value)


def test_a_policy_of_other_features_is_refused(saved: Path) -> None:
    config = json.loads((saved / CONFIG).read_text())
    config["columns"]["group"][0] = "colour"
    (saved / CONFIG).write_text(json.dumps(config))
    with pytest.raises(InputError, match="reads other features"):
        load_policy(saved)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 0}'])
def test_what_is_no_configuration_is_refused(saved: Path, text: str) -> None:
    (saved / CONFIG).write_text(text)
    with pytest.raises(InputError, match=CONFIG):
        load_policy(saved)


def test_an_unknown_policy_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError, match="no policy 'nonesuch': expected a checkpoint's folder, or one of"):
        load_policy("nonesuch")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kept"
    file.write_bytes(b"old")
    monkeypatch.setattr(checkpoint.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        checkpoint.write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_seed_fixes_the_weights() -> None:
    same, other = (build({"width": 8}, seed) for seed in (0, 1))
    again = build({"width": 8}, 0)
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), again.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(same.parameters(), other.parameters(), strict=True))
