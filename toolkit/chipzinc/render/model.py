"""Templates to MiniZinc text: Jinja chooses includes, rules, objective and search, and nothing else.

The only module that imports Jinja. Templates are data: sandboxed, and an undefined name is an error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox

import chipzinc
from chipzinc.errors import InputError
from chipzinc.graph.io import graph_sha256
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.objective import Objective
from chipzinc.resources import mzn_dir
from chipzinc.rules.catalogue import SelectedRule

PARTITION_TEMPLATE = "partition.mzn.j2"
VERIFY_TEMPLATE = "verify.mzn.j2"


@dataclass(frozen=True)
class RenderedModel:
    """A model's text and its data.

    Attributes:
        text: MiniZinc that includes its parts by path.
        data: what travels as JSON.
    """

    text: str
    data: dict[str, Any]

    @property
    def data_json(self) -> str:
        """The data as MiniZinc reads it."""
        return json.dumps(self.data, separators=(",", ":"), allow_nan=False)


def render_text(
    template: str,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    *,
    search: str = "satisfy",
    objective: Objective | None = None,
    candidates: bool = False,
    folder: str | None = None,
    template_folder: Path | None = None,
) -> str:
    """Renders a template for a graph, a package and its rules.

    Args:
        template: file name of the template.
        graph: the graph.
        package: the package.
        rules: the rules to include.
        search: file in ``search/``, without its ending.
        objective: what is minimised, if anything; the search is then ``minimise``.
        candidates: whether the data says which chips are tried for each group.
        folder: where the rendered model finds ``problem.mzn`` and the other parts: None for where they ship, else a
            path relative to the rendered file with the rules in ``rules/`` below it.
        template_folder: where the template lies, if not with those that ship.

    Raises:
        InputError: if the template fails, with its line.
    """
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(template_folder or mzn_dir()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # MiniZinc, not HTML
    )
    shipped = folder is None
    try:
        return environment.get_template(template).render(
            version=chipzinc.__version__,
            title=f"partition of {_plain(graph.name)} on {_plain(package.name)}",
            graph={"name": _plain(graph.name), "ops": graph.n_ops, "sha256": graph_sha256(graph)},
            package={"name": _plain(package.name), "chips": package.n_chips},
            rules=[
                {
                    "name": rule.name,
                    "file": _quoted(rule.rule.path) if shipped else f"{folder}/rules/{rule.name}.mzn",
                    "hard": rule.hard,
                    "has_lean_form": rule.rule.has_lean_form,
                    "has_labels": rule.rule.has_labels,
                }
                for rule in rules
            ],
            search=search,
            candidates=candidates,
            terms=[
                {
                    "name": t.name,
                    "file": _quoted(t.path) if shipped else f"{folder}/objectives/{t.name}.mzn",
                }
                for t in (objective.terms if objective else ())
            ],
            folder=_quoted(mzn_dir()) if shipped else folder,
        )
    except jinja2.TemplateError as error:
        place = (template_folder or mzn_dir()) / template
        raise InputError(f"the template fails: {error}", file=place, line=_template_line(error, template)) from error


def _quoted(path: Path) -> str:
    """A path as it stands between the quotes of an include."""
    return path.resolve().as_posix().replace("\\", "\\\\").replace('"', '\\"')


def _plain(text: str) -> str:
    """A name as one line of a comment."""
    return " ".join(text.split())


def _template_line(error: jinja2.TemplateError, template: str) -> int | None:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(template):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
