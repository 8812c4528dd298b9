from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.graph.importers.torch_export import export_module, import_pt2
from chipzinc.graph.io import graph_sha256

torch = pytest.importorskip("torch")
nn = torch.nn


class SmallCnn(nn.Module):
    """Two convolutions, a normalisation, pooling and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 16, 3, stride=2, bias=False)
        self.classifier = nn.Linear(16, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = torch.max_pool2d(torch.relu(self.norm(self.first(image))), 2)
        return torch.softmax(self.classifier(torch.relu(self.second(x)).mean((2, 3))), -1)


class Attention(nn.Module):
    """One head of attention between linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = self.qkv(x).split(8, -1)
        return self.out(nn.functional.scaled_dot_product_attention(query, key, value))


IMAGE = (torch.zeros(1, 3, 16, 16),)


def save(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], path: Path, **options: object) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(module.eval(), inputs, **options), path)
    return path


def test_a_module_becomes_named_ops_with_their_weights() -> None:
    graph = export_module(SmallCnn(), IMAGE, "small")
    names = dict(zip(graph.op_names, graph.op_kinds, strict=True))
    assert names["first/convolution"] == "conv"
    assert {kind for kind in graph.op_kinds if kind != "view"} == {
        "conv", "batch_norm", "relu", "max_pool", "reduce_mean", "matmul", "softmax",
    }  # fmt: skip
    trained = sum(parameter.numel() for parameter in SmallCnn().parameters())
    assert graph.weight_elements.sum() == trained + 2 * 8  # and the running mean and variance


def test_meta_tensors_are_enough() -> None:
    with torch.device("meta"):
        on_meta = export_module(SmallCnn(), (torch.zeros(1, 3, 16, 16),), "small")
    assert graph_sha256(on_meta) == graph_sha256(export_module(SmallCnn(), IMAGE, "small"))


def test_a_saved_program_gives_the_graph_of_the_module(tmp_path: Path) -> None:
    loaded = import_pt2(save(SmallCnn(), IMAGE, tmp_path / "small.pt2"))
    graph = export_module(SmallCnn(), IMAGE, "small", source="small.pt2")
    assert graph_sha256(loaded) == graph_sha256(graph)


def test_the_level_of_modules_keeps_linear_layers_and_attention_whole() -> None:
    inputs = (torch.zeros(1, 5, 8),)
    modules = Counter(export_module(Attention(), inputs, "a", level="modules").op_kinds)
    ops = Counter(export_module(Attention(), inputs, "a", level="ops").op_kinds)
    assert modules["attention"] == 1
    assert modules["matmul"] == 2
    assert ops["attention"] == 0
    assert ops["matmul"] == 4


def test_both_levels_count_the_same_products() -> None:
    inputs = (torch.zeros(1, 5, 8),)
    for level in ("modules", "ops"):
        graph = export_module(Attention(), inputs, "a", level=level)
        products = sum(
            flops for flops, kind in zip(graph.op_flops, graph.op_kinds, strict=True) if kind in ("matmul", "attention")
        )
        softmax = 5 * 25 if level == "modules" else 0
        assert products == 2 * 5 * 8 * 24 + 5 * 24 + 2 * 5 * 8 * 8 + 5 * 8 + 2 * (2 * 25 * 8) + softmax


def test_tied_weights_are_one_weight() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 8)
            self.head = nn.Linear(8, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, token: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.embedding(token)))

    graph = export_module(Tied(), (torch.zeros(1, 4, dtype=torch.long),), "tied")
    assert graph.weight_elements.tolist() == [400]
    assert len(graph.weight_users[0]) == 2


def test_a_recurrent_layer_is_whole_at_one_level_and_unrolled_at_the_other() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(6, 4, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lstm(x)[0]

    inputs = (torch.zeros(1, 5, 6),)
    whole = export_module(Recurrent(), inputs, "r", level="modules")
    assert whole.op_flops[whole.op_kinds.index("lstm")] == 5 * (2 * (16 * 6 + 16 * 4) + 28 * 4)
    assert Counter(export_module(Recurrent(), inputs, "r").op_kinds)["matmul"] >= 5


def test_a_dynamic_program_names_the_inputs_to_fix(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=2, max=64)
    path = save(SmallCnn(), (torch.zeros(4, 3, 16, 16),), tmp_path / "d.pt2", dynamic_shapes={"image": {0: batch}})
    with pytest.raises(InputError, match=r"d\.pt2: the model's shapes are dynamic.*--fix-shape image=s\d+,3,16,16"):
        import_pt2(path)
    fixed = import_pt2(path, fix_shapes={"image": (8, 3, 16, 16)})
    static = export_module(SmallCnn(), (torch.zeros(8, 3, 16, 16),), "s")
    assert fixed.op_flops.sum() == static.op_flops.sum()
    with pytest.raises(InputError, match="size 32 where the model has 16"):
        import_pt2(path, fix_shapes={"image": (8, 3, 32, 16)})
    with pytest.raises(InputError, match="names input 'picture'; the inputs are image"):
        import_pt2(path, fix_shapes={"picture": (8, 3, 16, 16)})


def test_a_module_that_torch_cannot_export_is_refused_in_one_line() -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(InputError, match=r"torch\.export cannot export 'b'") as caught:
        export_module(Branching(), (torch.zeros(3),), "b")
    assert "\n" not in str(caught.value)


def test_control_flow_is_named() -> None:
    class Fork(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))

    with pytest.raises(InputError, match="op 'cond': control flow"):
        export_module(Fork(), (torch.zeros(3),), "fork")


@pytest.mark.parametrize("content", [b"", b"not a program"])
def test_a_damaged_program_is_refused_without_a_traceback(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "broken.pt2"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.pt2: is no torch\.export program, or is damaged"):
        import_pt2(path)
    assert caplog.text + capfd.readouterr().err == ""


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pt2: no such file"):
        import_pt2(tmp_path / "none.pt2")
