"""`chipzinc render`: a folder that plain `minizinc` and its IDE run without this toolkit."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.data import problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, RenderedModel, render_text
from chipzinc.render.objective import Objective, objective_data
from chipzinc.resources import mzn_dir
from chipzinc.rules.catalogue import SelectedRule


def render_project(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    directory: Path,
    *,
    group_of: IntArray | None = None,
    search: str = "satisfy",
    objective: Objective | None = None,
    solver: str = "org.chuffed.chuffed",
) -> list[Path]:
    """Writes partition.mzn, partition.json, partition.mpc and copies of everything they include.

    Args:
        graph: the graph.
        package: the package.
        rules: the selected rules.
        directory: where to; made if need be. Files of the same names are replaced.
        group_of: group of each op, shape [op]; None: every op by itself.
        search: file in ``mzn/search``, without its ending.
        objective: what is minimised, if anything; the search is then ``minimise``.
        solver: id of the solver that the .mpc names.

    Returns:
        The files written.

    Raises:
        InputError: if the directory cannot be written, or a rule's parameters do not suit the graph.
    """
    groups = np.arange(graph.n_ops) if group_of is None else group_of
    model = RenderedModel(
        render_text(PARTITION_TEMPLATE, graph, package, rules, search=search, objective=objective, folder="."),
        problem_data(graph, package, rules, group_of),
    )
    files = {
        "partition.mzn": model.text,
        "partition.json": model.data_json,
        "partition.mpc": json.dumps({"solver": solver, "intermediate-solutions": True}, indent=2) + "\n",
        **{name: (mzn_dir() / name).read_text(encoding="utf-8") for name in ("problem.mzn", "solver_faults.mzn")},
        f"search/{search}.mzn": (mzn_dir() / "search" / f"{search}.mzn").read_text(encoding="utf-8"),
        **{f"rules/{rule.name}.mzn": rule.rule.text for rule in rules},
    }
    if objective is not None:
        model.data.update(objective_data(graph, package, groups, objective))
        shipped = {path.stem: path for path in (mzn_dir() / "objectives").glob("*.mzn")}
        parts = shipped | {term.name: term.path for term in objective.terms}
        files |= {f"objectives/{name}.mzn": path.read_text(encoding="utf-8") for name, path in parts.items()}
        files["partition.json"] = model.data_json
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".rendering-") as staging:
            for name, text in files.items():
                path = Path(staging) / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
            for name in files:
                (directory / name).parent.mkdir(exist_ok=True)
                shutil.move(Path(staging) / name, directory / name)
    except OSError as error:
        raise InputError(f"cannot write the rendered model: {error.strerror}", file=directory) from error
    return [directory / name for name in files]
