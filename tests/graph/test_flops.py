from __future__ import annotations

from typing import Any

import pytest

from chipzinc.graph.flops import op_flops
from chipzinc.graph.kinds import FAMILY_OF_KIND, KINDS_OF_FAMILY


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "attributes", "expected"),
    [
        ("matmul", [(2, 3), (3, 5)], (2, 5), {}, 2 * 2 * 3 * 5),
        ("matmul", [(2, 3), (3, 5), (5,)], (2, 5), {}, 2 * 2 * 3 * 5 + 10),
        ("matmul", [(4, 2, 3), (4, 3, 5)], (4, 2, 5), {}, 4 * 60),
        ("matmul", [(3, 2), (3, 5)], (2, 5), {"contracted": 3}, 60),
        ("einsum", [(2, 3), (3, 5)], (2, 5), {"index_sizes": [2, 3, 5]}, 60),
        ("conv", [(1, 4, 8, 8), (6, 4, 3, 3)], (1, 6, 6, 6), {}, 2 * 6 * 36 * 4 * 9),
        ("conv", [(1, 4, 8, 8), (4, 1, 3, 3), (4,)], (1, 4, 6, 6), {}, 2 * 4 * 36 * 9 + 4 * 36),
        ("conv_transpose", [(1, 4, 3, 3), (4, 6, 2, 2)], (1, 6, 6, 6), {}, 2 * 4 * 9 * 6 * 4),
        ("attention", [(1, 2, 7, 4), (1, 2, 9, 4), (1, 2, 9, 4)], (1, 2, 7, 4), {}, 2 * 7 * 9 * (2 * 4 + 2 * 4 + 5)),
        ("lstm", [(5, 1, 3)], (5, 1, 4), {"matrix_elements": 16 * 3 + 16 * 4, "hidden": 4}, 5 * (2 * 112 + 28 * 4)),
        ("softmax", [(2, 10)], (2, 10), {}, 100),
        ("layer_norm", [(2, 10), (10,), (10,)], (2, 10), {}, 140),
        ("add", [(2, 10), (10,)], (2, 10), {}, 20),
        ("add", [(2, 10)], (2, 10), {}, 20),
        ("add", [(4,), (4,), (4,)], (4,), {}, 8),
        ("gelu", [(10,)], (10,), {}, 50),
        ("max_pool", [(1, 2, 8, 8)], (1, 2, 4, 4), {"window": 4}, 128),
        ("avg_pool", [(1, 2, 8, 8)], (1, 2, 1, 1), {}, 128),
        ("reduce_sum", [(6, 7)], (6,), {}, 42),
        ("resize", [(1, 1, 2, 2)], (1, 1, 4, 4), {"points": 4}, 16 * 7),
        ("resize", [(1, 1, 2, 2)], (1, 1, 4, 4), {"points": 1}, 0),
        ("embedding", [(100, 8), (3,)], (3, 8), {}, 0),
        ("concat", [(2,), (3,)], (5,), {}, 0),
    ],
)
def test_flops_follow_the_definition(
    kind: str, inputs: list[tuple[int, ...]], output: tuple[int, ...], attributes: dict[str, Any], expected: float
) -> None:
    assert op_flops(kind, inputs, [output], attributes) == expected


@pytest.mark.parametrize("kind", [*KINDS_OF_FAMILY["free"], *KINDS_OF_FAMILY["movement"]])
def test_renaming_and_moving_count_nothing(kind: str) -> None:
    assert op_flops(kind, [(2, 3)], [(2, 3)], {}) == 0


@pytest.mark.parametrize("kind", FAMILY_OF_KIND)
def test_every_kind_has_a_count(kind: str) -> None:
    attributes = {"index_sizes": [2], "matrix_elements": 4, "hidden": 2}
    assert op_flops(kind, [(2, 2, 2)] * 3, [(2, 2, 2)], attributes) >= 0
