from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.graph.io import graph_sha256, save_graph
from chipzinc.graph.load import load_graph, parse_fix_shapes
from tests.graph.graphs import graph_of
from tests.graph.importers.test_placement import DOCUMENT

GRAPH = graph_of([[1], []])


@pytest.mark.parametrize("name", ["g.json.gz", "g.json", "g", "bert-large"])
def test_a_graph_file_is_known_by_its_content_not_its_name(tmp_path: Path, name: str) -> None:
    save_graph(GRAPH, tmp_path / name)
    loaded = load_graph(str(tmp_path / name))
    assert graph_sha256(loaded.graph) == graph_sha256(GRAPH)
    assert loaded.path == tmp_path / name
    assert loaded.placement is None


def test_a_placement_brings_the_object_that_its_package_is_made_from(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(DOCUMENT))
    assert load_graph(path).placement == DOCUMENT


def test_a_zoo_graph_is_loaded_by_name() -> None:
    loaded = load_graph("bert-large")
    assert loaded.graph.name == "bert-large"
    assert loaded.path is None


def test_a_misspelt_zoo_name_is_refused_with_close_ones() -> None:
    with pytest.raises(InputError, match=r"bert-lrge.*did you mean .*bert-large"):
        load_graph("bert-lrge")


@pytest.mark.parametrize("name", ["gone.onnx", "gone.pt2", "gone.json", "folder/gone"])
def test_a_path_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: no such file"):
        load_graph(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [("{}", "is neither a graph file"), ("[1, 2", ":1:6: is not JSON"), ("", "is not JSON"), ("[" * 100_000, "deeply")],
)
def test_json_of_another_kind_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_graph(path)
    assert str(caught.value).startswith(f"{path}:")
    assert told in str(caught.value)


def test_shapes_are_parsed_per_input() -> None:
    assert parse_fix_shapes(["image=1,3,640,640", "a=b=7"]) == {"image": (1, 3, 640, 640), "a=b": (7,)}


@pytest.mark.parametrize("text", ["image", "=1,2", "image=", "image=1,x", "image=0,3", "image=-1", "image=1.5"])
def test_a_shape_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--fix-shape: expected name=1,3,640,640"):
        parse_fix_shapes([text])


def test_an_input_is_fixed_once() -> None:
    with pytest.raises(InputError, match="names input 'x' twice"):
        parse_fix_shapes(["x=1", "x=2"])


def test_settled_shapes_cannot_be_fixed(tmp_path: Path) -> None:
    save_graph(GRAPH, tmp_path / "g.json.gz")
    for argument in (tmp_path / "g.json.gz", "bert-large"):
        with pytest.raises(InputError, match=r"--fix-shape: is for \.onnx and \.pt2 files"):
            load_graph(argument, fix_shapes={"x": (1,)})


@pytest.mark.parametrize("size", ["0", "2147483648", "99999999999999999999"])
def test_a_size_out_of_range_is_refused(size: str) -> None:
    with pytest.raises(InputError, match=rf"from 1 to 2147483647, got 'x={size},4'"):
        parse_fix_shapes([f"x={size},4"])
