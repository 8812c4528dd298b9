"""Names are kept apart wherever code uses them, and nothing else is touched."""

from __future__ import annotations

from chipzinc.render.apart import declared_names, rename

TEXT = """\
% chip: a comment about chip
int: n; set of int: CHIP = 0..n;
array[CHIP] of var bool: used :: output = [c in {1} | c in CHIP];
enum kind = {small, large};
function array[int] of var bool: limit(array[CHIP] of var int: chip) =
  let { any: last = max(chip) } in [last <= 3 | c in CHIP];
predicate limit_enforce(array[CHIP] of var int: chip) = true;
"""


def test_variables_functions_predicates_and_enums_are_declared() -> None:
    assert {"n", "CHIP", "used", "kind", "limit", "last", "limit_enforce"} <= declared_names(TEXT)
    assert not {"max", "true", "int", "a"} & declared_names(TEXT)


def test_a_name_changes_in_code_and_no_other_word_does() -> None:
    assert rename("chip + chips + my_chip + chip[chip]", {"chip"}, "_2") == "chip_2 + chips + my_chip + chip_2[chip_2]"


def test_comments_stay() -> None:
    text = "% chip\n/* chip\n chip */ chip % chip"
    assert rename(text, {"chip"}, "_2") == "% chip\n/* chip\n chip */ chip_2 % chip"


def test_strings_stay_but_for_what_they_interpolate() -> None:
    text = r'"chip \(chip), \"chip\" \(show(f(chip)) ++ "chip") chip" ++ chip'
    assert rename(text, {"chip"}, "_2") == (r'"chip \(chip_2), \"chip\" \(show(f(chip_2)) ++ "chip") chip" ++ chip_2')


def test_lines_stay_where_they_are() -> None:
    assert rename(TEXT, declared_names(TEXT), "_2").count("\n") == TEXT.count("\n")
