"""What an installed wheel is: complete, and working without the repository."""

from __future__ import annotations

import json
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
        ["git", "ls-files", "mzn", "hw_specs", "models/graphs", "models/policies", "toolkit"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    for file in (each for each in listed if (ROOT / each).is_file()):
        place = file.removeprefix("toolkit/") if file.startswith("toolkit/") else f"chipzinc/_data/{file}"
        assert place in inside


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a clean environment that has the wheel, and sees the dependencies of this one."""
    venv = tmp_path_factory.mktemp("elsewhere") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    zipfile.ZipFile(wheel).extractall(site)
    # Searched after the wheel, and without the .pth files in it: the editable install stays unseen.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> str:
    """Standard output of an installed Python, run in a folder without this one's environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [str(python), *arguments]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_an_installed_wheel_finds_its_own_resources(installed: Path, tmp_path: Path) -> None:
    where = "import chipzinc.resources as r; print(r.mzn_dir(), r.hw_specs_dir(), r.models_dir(), sep='\\n')"
    for folder in run(installed, tmp_path, "-c", where).splitlines():
        assert Path(folder).is_dir()
        assert Path(folder).is_relative_to(installed.parents[1])


def test_an_installed_wheel_partitions_a_graph_of_the_zoo(installed: Path, tmp_path: Path) -> None:
    run(installed, tmp_path, "-m", "chipzinc", "partition", "lenet5", "--hw", "mcm16-ring", "-o", "plan.yaml")
    answer = json.loads(run(installed, tmp_path, "-m", "chipzinc", "verify", "plan.yaml", "--json"))
    assert answer["valid"] is True
