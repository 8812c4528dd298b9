from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from chipzinc.errors import InputError
from chipzinc.graph.io import graph_sha256, load_graph_file, save_graph
from chipzinc.graph.opgraph import Incidence, OpGraph, Profile
from tests.graph.graphs import graph_of, graphs

GRAPH = graph_of([[1, 2], [], [3], []], free=[1])


def same(a: OpGraph, b: OpGraph) -> bool:
    """Compares every field, profile aside."""
    for field in dataclasses.fields(OpGraph):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, Incidence):
            if not (np.array_equal(left.starts, right.starts) and np.array_equal(left.ids, right.ids)):
                return False
        elif isinstance(left, np.ndarray):
            if left.dtype != right.dtype or not np.array_equal(left, right):
                return False
        elif field.name != "profile" and left != right:
            return False
    return True


def rewrite(path: Path, change: Any) -> None:
    """Edits a graph file's document in place and gives it a checksum that fits."""
    document = json.loads(gzip.decompress(path.read_bytes()))
    change(document)
    content = json.dumps(document["graph"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    document["sha256"] = hashlib.sha256(content).hexdigest()
    path.write_bytes(gzip.compress(json.dumps(document).encode()))


@given(graph=graphs())
def test_a_saved_graph_comes_back_the_same(graph: OpGraph, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json.gz"
    save_graph(graph, path)
    loaded = load_graph_file(path)
    assert same(graph, loaded)
    assert graph_sha256(graph) == graph_sha256(loaded)


def test_a_profile_travels_with_its_graph(tmp_path: Path) -> None:
    flags = np.array([True, False, False, True])
    profile = Profile(
        {"cpu": np.array([0.5, 1, 2, 3])}, np.arange(4.0), {"cpu": flags}, ~flags, np.array([0, -1, 0, 2])
    )
    save_graph(dataclasses.replace(GRAPH, profile=profile), tmp_path / "g.json.gz")
    loaded = load_graph_file(tmp_path / "g.json.gz").profile
    assert loaded is not None
    assert loaded.op_time_us["cpu"].tolist() == [0.5, 1, 2, 3]
    assert loaded.op_transfer_us.tolist() == [0, 1, 2, 3]
    assert loaded.op_supported["cpu"].tolist() == flags.tolist()
    assert loaded.op_backward.tolist() == (~flags).tolist()
    assert loaded.op_colour.tolist() == [0, -1, 0, 2]


def test_the_same_graph_gives_the_same_bytes_under_any_file_name(tmp_path: Path) -> None:
    save_graph(GRAPH, tmp_path / "one.json.gz")
    save_graph(GRAPH, tmp_path / "two.json.gz")
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()


def test_any_change_of_content_changes_the_identity() -> None:
    changed = [
        dataclasses.replace(GRAPH, op_flops=GRAPH.op_flops + 1),
        dataclasses.replace(GRAPH, tensor_bits=GRAPH.tensor_bits * 2),
        dataclasses.replace(GRAPH, replicated=("mask",)),
    ]
    assert len({graph_sha256(graph) for graph in [GRAPH, *changed]}) == 4


def test_a_plain_json_graph_is_read_too(tmp_path: Path) -> None:
    save_graph(GRAPH, tmp_path / "g.json.gz")
    plain = tmp_path / "g.json"
    plain.write_bytes(gzip.decompress((tmp_path / "g.json.gz").read_bytes()))
    assert same(GRAPH, load_graph_file(plain))


@pytest.mark.parametrize("kept", [1, 20, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "g.json.gz"
    save_graph(GRAPH, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(InputError, match=r"g\.json\.gz"):
        load_graph_file(path)


def test_an_edited_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.json.gz"
    save_graph(GRAPH, path)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"op3", b"op9")))
    with pytest.raises(InputError, match="checksum"):
        load_graph_file(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda document: document.update(version=2), "version: is 2; this chipzinc reads version 1"),
        (lambda document: document.update(format="other"), "format: is no graph file"),
        (lambda document: document["graph"].update(op_kinds=["add", "view", "matmull", "add"]), "did you mean matmul"),
        (lambda document: document["graph"].update(op_flops=["1", 2, 3, 4]), "op_flops: expected a list of numbers"),
        (lambda document: document["graph"].update(op_flops=[-1, 2, 3, 4]), "op_flops: op 'op0': must be finite"),
        (lambda document: document["graph"].update(tensor_bits=[8.5, 8, 8]), "tensor_bits: expected a list of whole"),
        (lambda document: document["graph"].update(tensor_bits=[2**70, 8, 8]), "tensor_bits: holds a number"),
        (lambda document: document["graph"].update(op_free=[99]), "op_free: expected positions from 0 to 3"),
        (lambda document: document["graph"].update(name=7), "name: expected text, is 7"),
        (lambda document: document["graph"].pop("op_names"), "op_names: expected a list of texts"),
        (lambda document: document["graph"].update(weight_users=[]), "weight_users: expected an object"),
        (lambda document: document["graph"].update(profile=[]), "profile: expected an object"),
    ],
)
def test_a_file_whose_content_is_wrong_names_the_field(tmp_path: Path, change: Any, told: str) -> None:
    path = tmp_path / "g.json.gz"
    save_graph(GRAPH, path)
    rewrite(path, change)
    with pytest.raises(InputError) as caught:
        load_graph_file(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_not_finite_are_refused_as_json(tmp_path: Path, constant: str) -> None:
    path = tmp_path / "g.json"
    path.write_text(f'{{"format": "chipzinc-graph", "version": 1, "graph": {{"op_flops": [{constant}]}}}}')
    with pytest.raises(InputError, match=f"holds {constant}; numbers must be finite"):
        load_graph_file(path)


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.json.gz"
    save_graph(GRAPH, path)
    before = path.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        save_graph(graph_of([[]]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        load_graph_file(tmp_path / "none.json")
