"""Finds rule files by name and reads what they say of themselves.

A rule is looked for beside the hardware spec first, then among the rules that ship, and nowhere else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chipzinc.errors import InputError
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.resources import mzn_dir
from chipzinc.rules.cases import RuleCase, read_cases
from chipzinc.rules.source import code, includes
from chipzinc.rules.types import has_single_op, parse_type

RULE_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DOC = re.compile(r"/\*\*\*(.*?)\*/", re.DOTALL)
_LIBRARY_FILE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.mzn")


@dataclass(frozen=True)
class Parameter:
    """A number, set or list that a rule reads from the spec.

    Attributes:
        name: its name in the spec, such as ``limit`` for ``max_hops_limit``.
        type: its MiniZinc type, such as ``int`` or ``array[int] of set of OP``.
    """

    name: str
    type: str


@dataclass(frozen=True)
class Rule:
    """One rule file.

    Attributes:
        name: the rule's one name, and its file's.
        path: the file.
        text: its content.
    """

    name: str
    path: Path
    text: str

    @cached_property
    def doc(self) -> str:
        """What the file's opening comment says, without its cases; empty where there is none."""
        match = _DOC.search(self.text)
        body = match.group(1) if match else ""
        marks = ("@allowed", "@refused", "@hereditary")
        lines = [line for line in body.splitlines() if not line.lstrip().startswith(marks)]
        return "\n".join(lines).strip().removeprefix("@groupdef").strip().removeprefix(self.name).strip()

    @cached_property
    def source(self) -> str:
        """The file's MiniZinc, without the opening comment."""
        return _DOC.sub("", self.text, count=1).strip()

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return self.doc.split("\n", 1)[0]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters that the file declares as ``<type>: <rule>_<name>;`` and does not assign."""
        declared = re.findall(rf"(?:^|;)\s*([a-zA-Z][\w\[\](), .]*?)\s*:\s*{self.name}_(\w+)\s*(?=;)", self.code)
        return tuple(Parameter(name, " ".join(type_.split())) for type_, name in declared)

    @cached_property
    def has_lean_form(self) -> bool:
        """Whether the file has a predicate made for solving, ``<rule>_enforce``."""
        return re.search(rf"\bpredicate\s+{self.name}_enforce\s*\(", self.code) is not None

    @cached_property
    def hereditary(self) -> bool:
        """Whether a partition that keeps the rule keeps it on every part of the graph, as the file's comment claims.

        What such a rule forbids some ops, it forbids them in any graph they are part of, so that a conflict or a
        bound found on a small part is proven for the whole. A file claims it with a line ``@hereditary``.
        """
        match = _DOC.search(self.text)
        return match is not None and re.search(r"^\s*@hereditary\b", match.group(1), re.MULTILINE) is not None

    @cached_property
    def carries_over(self) -> bool:
        """Whether it can be asked on a part of a graph, and what it refuses there it refuses on the whole."""
        single = any(has_single_op(parse_type(parameter.type)) for parameter in self.parameters)
        return self.hereditary and not single

    @cached_property
    def has_labels(self) -> bool:
        """Whether the file names its instances, by ``<rule>_labels()``."""
        return re.search(rf"\b{self.name}_labels\s*\(\s*\)", self.code) is not None

    @cached_property
    def code(self) -> str:
        """The file without comments and strings, every token where it stands in the file."""
        return code(self.text)

    def line_of(self, name: str) -> int | None:
        """1-based line where the file's code first uses a name."""
        match = re.search(rf"\b{name}\b", self.code)
        return None if match is None else self.code.count("\n", 0, match.start()) + 1

    def reads(self, name: str) -> bool:
        """Whether the file uses a name, such as one of `mzn/problem.mzn`."""
        return re.search(rf"\b{name}\b", self.code) is not None

    @cached_property
    def cases(self) -> tuple[RuleCase, ...]:
        """The allowed and refused assignments in the file's opening comment.

        Raises:
            InputError: if a case is not well formed, with its line.
        """
        return read_cases(self.text, self.path)


@dataclass(frozen=True)
class SelectedRule:
    """A rule as a spec uses it."""

    rule: Rule
    use: RuleUse

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule.name

    @property
    def hard(self) -> bool:
        """Whether a partition has to keep it."""
        return self.use.soft_weight is None


def rule_folders(spec: Path | None) -> list[Path]:
    """The folders where rules are looked for, first one first.

    Args:
        spec: the spec's file, where it has one.
    """
    beside = [spec.parent, spec.parent / "rules"] if spec is not None else []
    return [*beside, mzn_dir() / "rules"]


def find_rule(name: str, spec: Path | None = None, *, line: int | None = None) -> Rule:
    """Reads the rule of a name.

    Raises:
        InputError: if there is none; names close matches and, where the spec is known, its line.
    """
    if not RULE_NAME.fullmatch(name):
        raise InputError(f"'{name}' is no rule name: expected small letters, digits and _", file=spec, line=line)
    for folder in rule_folders(spec):
        path = folder / f"{name}.mzn"
        if path.is_file():
            return read_rule(path)
    close = difflib.get_close_matches(name, [rule.name for rule in all_rules(spec)], n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    if spec is None:
        raise InputError(f"no rule '{name}' ships{hint}; with --hw SPEC those beside the spec are found too")
    raise InputError(f"there is no rule '{name}'{hint}", file=spec, line=line, field="rules")


def read_rule(path: Path) -> Rule:
    """Reads one rule file; its name is the file's.

    A rule file may come from a stranger. It is one file, inside the folder where it was found, and it includes nothing
    but MiniZinc's own library. Hints, bounds and other rules rely on what the rules that ship say, so that no other may
    take the name of one.

    Raises:
        InputError: if it is not text, defines no function of its name, has that of a rule that ships, or reaches for
            other files.
    """
    shipped = mzn_dir() / "rules"
    if path.parent != shipped and path.resolve().parent != path.parent.resolve():
        raise InputError("is a link to a file elsewhere: expected the rule's own file", file=path)
    if path.resolve().parent != shipped.resolve() and (shipped / path.name).is_file():
        raise InputError(f"'{path.stem}' is a rule that ships: expected another name", file=path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read as a rule: {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot be read as a rule: it is not UTF-8 text: byte {error.start}", file=path) from error
    name = path.stem
    rule = Rule(name, path, text)
    if not re.search(rf"\b{re.escape(name)}\s*\(\s*array\s*\[", rule.code):
        raise InputError(f"expected a function '{name}(array[OP] of var CHIP: chip)' in a rule file", file=path)
    for included, line in includes(text):
        if included is None or not _LIBRARY_FILE.fullmatch(included):
            message = (
                f"includes '{included}': a rule may include files of MiniZinc's library only, such as \"count.mzn\""
            )
            raise InputError(message, file=path, line=line)
        if (path.parent / included).exists():
            raise InputError(f"includes '{included}', which a file beside the rule hides", file=path, line=line)
    return rule


def all_rules(spec: Path | None = None) -> list[Rule]:
    """Every rule that can be found, by name."""
    found: dict[str, Rule] = {}
    for folder in rule_folders(spec):
        shipped = folder == mzn_dir() / "rules"
        for path in sorted(folder.glob("*.mzn")) if folder.is_dir() else []:
            if path.stem in found or not RULE_NAME.fullmatch(path.stem):
                continue
            try:
                found[path.stem] = read_rule(path)
            except InputError:
                if shipped:
                    raise  # beside a spec may lie other MiniZinc files, which are none of ours
    return [found[name] for name in sorted(found)]


def selected_rules(package: Package) -> tuple[SelectedRule, ...]:
    """The rules that a package selects, in its order.

    Raises:
        InputError: if one does not exist or is selected twice.
    """
    return select(package.rules, package.source)


def select(uses: Sequence[RuleUse], spec: Path | None) -> tuple[SelectedRule, ...]:
    """Finds the rules of a selection.

    Raises:
        InputError: if one does not exist or is selected twice.
    """
    seen: set[str] = set()
    for use in uses:
        if use.name in seen:
            raise InputError(f"the rule '{use.name}' is selected twice", file=spec, line=use.line, field="rules")
        seen.add(use.name)
    return tuple(SelectedRule(find_rule(use.name, spec, line=use.line), use) for use in uses)
