"""What solvers are known to get wrong is right in our models."""

from __future__ import annotations

import itertools

import pytest

from chipzinc.resources import mzn_dir
from chipzinc.solve import Session, Solution, SolveRequest, Text


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_zero_is_no_member_of_a_set_that_lacks_it(session: Session, solver: str) -> None:
    sets = [set(some) for size in (2, 3) for some in itertools.combinations(range(6), size)]
    model = (
        'include "solver_faults.mzn"; array[int] of set of int: sets; var -1..6: x;\n'
        "array[index_set(sets)] of var 0..1: found;\n"
        "constraint forall(i in index_set(sets))((found[i] = 1) = (x in sets[i]));\n"
        "solve satisfy;"
    )
    data = str([f"{{{','.join(map(str, some))}}}" for some in sets]).replace("'", "")
    request = SolveRequest(
        solver=solver,
        models=(Text("member.mzn", model),),
        data=(Text("sets.dzn", f"sets = {data};"),),
        include_dirs=(mzn_dir(),),
        all_solutions=True,
    )
    solutions = [event.values for event in session.solve(request) if isinstance(event, Solution)]
    assert sorted(values["x"] for values in solutions) == list(range(-1, 7))
    for values in solutions:
        assert values["found"] == [int(values["x"] in some) for some in sets]
