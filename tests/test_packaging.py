"""What an installed wheel is: complete, and working without the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = out.glob("chipzinc-*.whl")
    return built


def test_the_wheel_carries_every_rule_spec_and_graph_of_the_repository(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", "mzn", "hw_specs", "models/graphs", "toolkit"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    for file in filter(None, listed):
        place = file.removeprefix("toolkit/") if file.startswith("toolkit/") else f"chipzinc/_data/{file}"
        assert place in inside


def test_an_installed_wheel_partitions_a_graph_of_the_zoo_far_from_the_repository(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    zipfile.ZipFile(wheel).extractall(site)
    # The dependencies are those already here; the editable chipzinc comes after the wheel's on the path.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def chipzinc(*arguments: str) -> str:
        command = [str(venv / "bin" / "python"), "-m", "chipzinc", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=300
        ).stdout

    where = subprocess.run(
        [str(venv / "bin" / "python"), "-c", "import chipzinc.resources as r; print(r.mzn_dir())"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert where.startswith(str(venv))
    assert chipzinc("--version").startswith("chipzinc ")
