"""Specs and rules from strangers are data: they read no file of ours, start no process and run no code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.load import build_package, load_spec
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.yaml import parse_yaml
from chipzinc.render.data import problem_data
from chipzinc.render.model import VERIFY_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule, all_rules, find_rule, read_rule
from chipzinc.rules.source import code, includes
from chipzinc.solve import Session, Solution, SolveRequest, Text
from chipzinc.verify import verify
from tests.throughput.small import graph

RULE = "function array[int] of var bool: mine(array[OP] of var CHIP: chip) = [chip[o] >= 0 | o in OP];\n"
SPEC = """\
name: {name}
chips:
  - {{class: c, count: 2, peak: 1 TOPS, sram: 1 kB, sram_bandwidth: 1 GB/s}}
topology: {{kind: ring-one-way, link_bandwidth: 1 GB/s}}
rules: {rules}
"""


BACKWARD = np.array([[1, 0]])


def package(folder: Path, *, name: str = "mine", rules: str = "[]") -> Package:
    file = folder / "spec.yaml"
    file.write_text(SPEC.format(name=name, rules=rules))
    return load_spec(file)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that nothing in ``tmp_path/specs`` may reach."""
    file = tmp_path / "outside" / "mine.mzn"
    file.parent.mkdir()
    file.write_text(RULE)
    (tmp_path / "specs").mkdir()
    return file


@pytest.mark.parametrize("name", ["../outside/mine", "/etc/passwd", "a/../mine", "..", ".", "", "mine.mzn", "mine\x00"])
def test_a_rules_name_is_no_path(outside: Path, name: str) -> None:
    with pytest.raises(InputError, match="is no rule name"):
        find_rule(name, outside.parents[1] / "specs" / "spec.yaml")


@pytest.mark.parametrize("name", ["../outside/mine", "/etc/passwd"])
def test_a_spec_cannot_select_a_path(outside: Path, name: str) -> None:
    with pytest.raises(InputError, match="rules"):
        package(outside.parents[1] / "specs", rules=f"['{name}']")


def test_a_link_to_a_file_elsewhere_is_no_rule(outside: Path) -> None:
    specs = outside.parents[1] / "specs"
    (specs / "mine.mzn").symlink_to(outside)
    with pytest.raises(InputError, match="link"):
        find_rule("mine", specs / "spec.yaml")
    assert "mine" not in [rule.name for rule in all_rules(specs / "spec.yaml")]


def test_a_folder_of_rules_may_be_a_link(outside: Path) -> None:
    specs = outside.parents[1] / "specs"
    (specs / "rules").symlink_to(outside.parent)
    assert find_rule("mine", specs / "spec.yaml").text == RULE


@pytest.mark.parametrize(
    "reach",
    [
        'include "/etc/passwd";',
        'include "../outside/mine.mzn";',
        'include "sub/mine.mzn";',
        'include "file://etc/passwd";',
        'include/* */"/etc/passwd";',
        'include % hidden "\n"/etc/passwd";',
        'include "count.mzn"; include "../x.mzn";',
        "int: '/*' = 1; include \"/etc/passwd\"; int: '*/' = 1;",
        "int: '%' = 1; include \"/etc/passwd\";",
        "int: '\"' = 1; include \"/etc/passwd\"; int: '\\\"' = 1;",
        'string: s = "\\("%")"; include "/etc/passwd";',
        'string: s = "\\\\"; include "/etc/passwd";',
        'include "\\x2fetc\\x2fpasswd";',
        'include "data.json";',
    ],
)
def test_a_rule_includes_no_file_but_the_librarys(tmp_path: Path, reach: str) -> None:
    file = tmp_path / "mine.mzn"
    file.write_text(f"{reach}\n{RULE}")
    with pytest.raises(InputError, match="includes") as refused:
        read_rule(file)
    assert refused.value.line in (1, 2)


def test_a_rule_may_include_the_library_and_speak_of_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.mzn"
    prose = '/* include "/etc/passwd" */ % include "x"\nstring: mine_says = "include \\(1) \\"include\\" ";\n'
    file.write_text(f'{prose}include "count.mzn";\n{RULE}')
    assert read_rule(file).name == "mine"


def test_a_file_beside_a_rule_cannot_pose_as_the_library(tmp_path: Path) -> None:
    (tmp_path / "count.mzn").symlink_to("/etc/passwd")
    file = tmp_path / "mine.mzn"
    file.write_text(f'include "count.mzn";\n{RULE}')
    with pytest.raises(InputError, match="hides"):
        read_rule(file)


@pytest.mark.parametrize(
    "text",
    [
        'string: s = "a \\(show("b \\(1) c") ++ ")") d"; int: x = 1; % "',
        "int: 'a\"b' = 1; /* \" */ int: y = 2; % /*\nint: z = 3;",
    ],
)
def test_code_is_told_from_strings_and_comments_in_place(session: Session, text: str) -> None:
    kept = code(text)
    assert len(kept) == len(text)
    assert [at for at in range(len(text)) if kept.startswith("int", at)] == [
        at for at in range(len(text)) if text.startswith("int", at)
    ]
    assert not list(includes(text))
    request = SolveRequest(solver="gecode", models=(Text("a.mzn", f"{text}\nsolve satisfy;"),))
    assert any(isinstance(event, Solution) for event in session.solve(request))  # MiniZinc cuts it as we do


@pytest.mark.parametrize(
    "name", ["{{ 7 * 7 }}", "{% include 'x' %}", '"; solve satisfy; %', "a\nsolve satisfy;", "x */ y"]
)
def test_names_are_text_to_templates_and_to_minizinc(tmp_path: Path, session: Session, name: str) -> None:
    mine = package(tmp_path, name=json.dumps(name), rules="[acyclic_dataflow]")
    small = graph([(0, [1], 1)], 2)
    text = render_text(VERIFY_TEMPLATE, small, mine, ())
    assert text.splitlines()[0] == f"% partition of small on {' '.join(name.split())}"
    rules = (SelectedRule(find_rule("acyclic_dataflow"), RuleUse("acyclic_dataflow")),)
    (verdict,) = verify(session, small, mine, rules, BACKWARD)
    assert not verdict.valid


def test_a_folder_with_quotes_in_its_name_breaks_out_of_no_string(tmp_path: Path, session: Session) -> None:
    folder = tmp_path / 'x"; constraint false; % \\(1)'
    folder.mkdir()
    (folder / "mine.mzn").write_text(RULE)
    mine = package(folder, rules="[mine]")
    rules = (SelectedRule(find_rule("mine", mine.source), RuleUse("mine")),)
    (verdict,) = verify(session, graph([(0, [1], 1)], 2), mine, rules, BACKWARD)
    assert verdict.valid


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__",
        "rules.__class__",
        "rules.append(1)",
        "self.__init__.__globals__",
        "cycler.__init__.__globals__.os.popen('id').read()",
        "lipsum.__globals__['os']",
        "no_such_name",
    ],
)
def test_a_template_reaches_nothing_of_python(tmp_path: Path, expression: str) -> None:
    (tmp_path / "bad.mzn.j2").write_text(f"\n{{{{ {expression} }}}}")
    with pytest.raises(InputError, match="the template fails") as refused:
        render_text("bad.mzn.j2", graph([(0, [1], 1)], 2), package(tmp_path), (), template_folder=tmp_path)
    assert refused.value.line == 2


@pytest.mark.parametrize("template", ["{% include '/etc/passwd' %}", "{% include '../outside/mine.mzn' %}"])
def test_a_template_includes_nothing_from_elsewhere(outside: Path, template: str) -> None:
    specs = outside.parents[1] / "specs"
    (specs / "bad.mzn.j2").write_text(template)
    with pytest.raises(InputError, match="the template fails"):
        render_text("bad.mzn.j2", graph([(0, [1], 1)], 2), package(specs), (), template_folder=specs)


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['id']", "!!python/name:os.system", "!include /etc/passwd", "!!binary aWQ="],
)
def test_a_spec_makes_no_objects_and_reads_no_file(value: str) -> None:
    with pytest.raises(InputError, match="not allowed"):
        build_package(parse_yaml(SPEC.format(name=value, rules="[]"), Path("spec.yaml")))


def test_what_a_spec_says_reaches_minizinc_as_data_only(tmp_path: Path, session: Session) -> None:
    text = "string: mine_text;\n" + RULE.replace("chip[o] >= 0", 'mine_text != "x"')
    (tmp_path / "mine.mzn").write_text(text)
    said = '"; constraint false; include "/etc/passwd'
    mine = package(tmp_path, rules="[mine]")
    rules = (SelectedRule(find_rule("mine", mine.source), RuleUse("mine", {"text": said})),)
    small = graph([(0, [1], 1)], 2)
    assert problem_data(small, mine, rules)["mine_text"] == said
    (verdict,) = verify(session, small, mine, rules, BACKWARD)
    assert verdict.valid
