"""The model zoo: the table tells the truth, the split holds, and the graphs are those of the publications."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from chipzinc.errors import InputError
from chipzinc.graph.io import graph_sha256
from chipzinc.graph.zoo import graph_path, load_zoo_graph, zoo, zoo_dir, zoo_names

MAKE_ZOO = Path(__file__).parents[2] / "models" / "make_zoo.py"

# Trained parameters in millions, as the publications or their authors' releases count them. The graphs hold batch
# norm's two running statistics besides, up to 1 % of a mobile network.
PARAMETERS = {
    "alexnet": 61.10,
    "vgg16": 138.36,
    "resnet18": 11.69,
    "resnet34": 21.80,
    "resnet50": 25.56,
    "resnet101": 44.55,
    "resnet152": 60.19,
    "wide-resnet50-2": 68.88,
    "resnext50-32x4d": 25.03,
    "se-resnet50": 28.09,
    "xception": 22.86,
    "mobilenet-v1": 4.23,
    "mobilenet-v2": 3.50,
    "mobilenet-v3-large": 5.48,
    "mobilenet-v3-small": 2.54,
    "mnasnet": 4.38,
    "efficientnet-b0": 5.29,
    "efficientnet-b4": 19.34,
    "regnet-y-4gf": 20.65,
    "convnext-tiny": 28.59,
    "convmixer-768-32": 21.11,
    "lstm-ptb-large": 66.0,
    "seq2seq": 384.0,
    "bert-base": 109.48,
    "bert-large": 335.14,
    "distilbert": 66.36,
    "albert-base": 11.68,
    "gpt2": 124.44,
    "gpt2-medium": 354.82,
    "gpt2-xl": 1557.61,
    "llama-3.2-1b": 1235.81,
    "llama-7b": 6738.42,
    "t5-small": 60.51,
    "t5-base": 222.90,
    "bart-base": 139.42,
    "vit-base": 86.57,
    "vit-large": 304.33,
    "swin-tiny": 28.29,
    "swin-base": 87.77,
    "inception-v3": 23.83,
    "inception-v4": 42.68,
    "inception-resnet-v2": 55.84,
    "densenet169": 14.15,
    "densenet201": 20.01,
    "shufflenet-v2": 2.28,
    "ghostnet": 5.18,
    "res2net50": 25.70,
    "dla34": 15.74,
    "hrnet-w18": 21.30,
    "nasnet-a-mobile": 5.3,
    "darts-imagenet": 4.7,
    "unet": 31.04,
    "yolo-v3": 61.95,
}

# Multiply-adds of one inference, in thousand millions, as the publications or their authors' releases count them.
MULTIPLY_ADDS = {
    "alexnet": 0.71,
    "vgg16": 15.47,
    "resnet18": 1.81,
    "resnet50": 4.09,
    "resnet152": 11.51,
    "resnext50-32x4d": 4.23,
    "mobilenet-v1": 0.569,
    "mobilenet-v2": 0.300,
    "efficientnet-b0": 0.39,
    "efficientnet-b4": 4.2,
    "regnet-x-400mf": 0.4,
    "convnext-tiny": 4.46,
    "vit-base": 17.58,
    "swin-tiny": 4.5,
    "inception-v3": 5.71,
    "densenet201": 4.29,
    "yolo-v3": 32.8,
}


def test_the_table_and_the_folder_hold_the_same_graphs() -> None:
    files = {path.name for path in zoo_dir().iterdir()} - {"index.tsv"}
    assert files == {graph_path(zoo_dir(), name).name for name in zoo()}


def test_the_zoo_has_at_least_sixty_graphs_of_tens_to_thousands_of_ops_in_under_20_mb() -> None:
    assert len(zoo()) >= 60
    sizes = sorted(entry.ops for entry in zoo().values())
    assert sizes[0] < 100
    assert sizes[-1] > 3000
    assert sum(path.stat().st_size for path in zoo_dir().iterdir()) < 20_000_000


def test_every_transformer_and_every_branching_graph_is_for_tests_only() -> None:
    for entry in zoo().values():
        plain = entry.family in ("cnn", "rnn")
        assert entry.split in (("train", "validation") if plain else ("test",))
    for family in ("cnn", "rnn"):
        for split in ("train", "validation"):
            assert zoo_names(split=split, family=family)
    assert set(zoo_names(split="test")) == set(zoo_names(family="transformer")) | set(zoo_names(family="branching"))


@pytest.mark.parametrize("name", zoo_names())
def test_a_graph_is_as_the_table_says_and_in_one_piece(name: str) -> None:
    entry, graph = zoo()[name], load_zoo_graph(name)
    assert graph.name == name
    assert graph_sha256(graph) == entry.sha256
    counted = graph.n_ops, len(graph.edges), round(graph.op_flops.sum()), graph.weight_elements.sum()
    assert counted == (entry.ops, entry.edges, entry.flops, entry.weights)
    assert len(set(graph.op_names) | set(graph.replicated)) == graph.n_ops + len(graph.replicated)
    ones = np.ones(len(graph.edges))
    adjacency = coo_matrix((ones, tuple(graph.edges.T)), shape=(graph.n_ops, graph.n_ops))
    assert connected_components(adjacency, directed=False)[0] == 1


@pytest.mark.parametrize(("name", "millions"), PARAMETERS.items())
def test_weights_are_as_many_as_published(name: str, millions: float) -> None:
    assert zoo()[name].weights / 1e6 == pytest.approx(millions, rel=0.02)


@pytest.mark.parametrize(("name", "giga"), MULTIPLY_ADDS.items())
def test_the_work_of_an_inference_is_as_published(name: str, giga: float) -> None:
    assert zoo()[name].flops / 2e9 == pytest.approx(giga, rel=0.08)


def test_bert_large_is_at_the_op_level_of_the_paper() -> None:
    assert zoo()["bert-large"].ops > 1200


def test_a_misspelt_name_is_refused_with_close_ones() -> None:
    with pytest.raises(InputError, match="did you mean bert-large"):
        load_zoo_graph("bert-lagre")


def make_zoo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(MAKE_ZOO), *arguments], capture_output=True, text=True, check=False)


def test_graphs_made_anew_are_the_committed_ones() -> None:
    done = make_zoo("--check", "mmoe", "squeezenet-onnx", "elman-lm")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_whole_zoo_made_anew_is_the_committed_one() -> None:
    done = make_zoo("--check")
    assert done.returncode == 0, done.stdout + done.stderr
