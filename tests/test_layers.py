"""Who may import whom: the layers point one way, and each outside tool enters through one module."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chipzinc

PACKAGE = Path(chipzinc.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import besides itself, the lowest first. A part missing here fails its test.
DATA = {"errors", "units", "wording", "resources", "graph", "hardware", "plans"}
MODEL = DATA | {"rules", "render", "solve"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "resources": set(),
    "wording": set(),
    "units": {"errors"},
    "compiled": set(),
    "priority": set(),
    "graph": {"errors", "units", "resources"},
    "hardware": {"errors", "units", "resources", "graph"},
    "plans": {"errors", "units", "resources", "graph", "hardware"},
    "throughput": DATA,
    "ideals": DATA,
    "bounds": DATA | {"throughput", "ideals", "priority"},
    "hints": DATA | {"throughput", "ideals", "compiled"},
    "rules": DATA,
    "render": DATA | {"rules"},
    "solve": {"errors"},
    "exhaustive": MODEL,
    "rule_tests": MODEL | {"exhaustive"},
    "rule_lint": MODEL | {"rule_tests"},
    "correct": MODEL | {"throughput"},
    "verify": MODEL | {"throughput", "correct"},
    "settle": MODEL | {"correct", "verify"},
    "designs": MODEL | {"throughput", "correct", "verify", "settle", "grouping", "hints", "exhaustive"},
    "grouping": DATA | {"rules"},
    "optimise": MODEL | {"priority", "throughput", "ideals", "hints", "correct", "verify"},
    "recipe": MODEL | {"throughput", "bounds", "hints", "correct", "verify", "settle", "designs", "grouping"},
    "improve": MODEL | {"throughput", "bounds", "hints", "verify", "grouping", "optimise", "recipe"},
    "density": MODEL | {"throughput", "correct", "verify", "recipe"},
    "price": MODEL | {"bounds", "hints", "improve", "recipe"},
    "baselines": MODEL | {"throughput", "bounds", "hints", "correct", "verify", "settle", "grouping"},
    "preparation": MODEL | {"hints", "verify", "baselines"},
    "sweep": MODEL | {"throughput", "hints", "verify", "grouping", "optimise", "improve", "recipe"},
    "robust": MODEL | {"throughput", "bounds", "hints", "improve", "recipe"},
    "policy": MODEL | {"throughput", "bounds", "hints", "correct", "grouping", "improve", "baselines"},
    "tabular": {"errors"},
    "plotting": {"errors"},
    "compare": MODEL
    | {"throughput", "hints", "correct", "verify", "improve", "baselines", "policy", "tabular", "plotting"},
}
TOP = {"cli", "__main__", "__init__"}  # may import everything

# Modules, relative to the package and without their ending, where an outside tool may be imported; a folder holds
# all that is in it.
ENTRANCES = {
    "minizinc": {"solve"},
    "jinja2": {"render"},
    "ortools": {"baselines/direct_model", "solve/cpsat"},
    "onnx": {"graph/importers/onnx_file"},
    "onnxruntime": {"graph/importers/onnx_file"},
    "torch": {"policy", "graph/importers/torch_export", "graph/importers/hugging_face"},
    "transformers": {"graph/importers/hugging_face"},
    "typer": {"cli"},
    "rich": {"cli"},
    "yaml": {"hardware/yaml", "plans/files"},
    "matplotlib": {"plotting"},
    "numba": {"compiled"},
    "llvmlite": {"compiled"},
}


def imports(module: Path) -> Iterator[str]:
    """The dotted names of all that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_layers_below_it(module: Path) -> None:
    part = part_of(module)
    if part in TOP:
        return
    assert part in MAY_IMPORT, f"say above what {part} may import"
    imported = {name.split(".")[1] for name in imports(module) if name.startswith("chipzinc.")}
    assert imported - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("tool", ENTRANCES)
def test_an_outside_tool_enters_by_its_own_door(tool: str) -> None:
    users = {
        module.relative_to(PACKAGE).with_suffix("").as_posix()
        for module in MODULES
        if any(name.split(".")[0] == tool for name in imports(module))
    }
    strangers = {
        user for user in users if not any(user == door or user.startswith(f"{door}/") for door in ENTRANCES[tool])
    }
    assert not strangers


def loaded_by(code: str) -> set[str]:
    """The top-level modules, and scipy.optimize, that running some code in a fresh interpreter loads."""
    script = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
        "print(*{m if m == 'scipy.optimize' else m.split('.')[0] for m in sys.modules}, sep='\\n', file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


HEAVY = {"torch", "numba", "scipy", "scipy.optimize", "numpy", "pydantic", "onnx", "rich", "yaml", "minizinc", "jinja2"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import chipzinc")
    assert "chipzinc" in loaded
    assert not loaded & (HEAVY | {"typer"})


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_by("sys.argv = ['chipzinc', '--help']; from chipzinc.cli.app import main; main()")
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("part", sorted({part_of(module) for module in MODULES} - {"cli", "__main__", "policy"}))
def test_no_layer_loads_torch_or_the_optimiser_when_imported(part: str) -> None:
    modules = [
        "chipzinc." + module.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        for module in MODULES
        if part_of(module) == part
    ]
    loaded = loaded_by("import " + ", ".join(modules))
    assert not loaded & {"torch", "scipy.optimize", "transformers", "onnxruntime"}
