from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.graph.importers.hugging_face import import_config, import_config_file

pytest.importorskip("transformers")

TINY_BERT = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 100,
}


def bert_parameters(layers: int, width: int, inner: int, vocabulary: int) -> int:
    """Counts by the layout of Devlin et al. 2019, pooler included: 335,141,888 for (24, 1024, 4096, 30522)."""
    embeddings = (vocabulary + 512 + 2) * width + 2 * width
    attention = 4 * (width * width + width) + 2 * width
    feed_forward = 2 * width * inner + inner + width + 2 * width
    return embeddings + layers * (attention + feed_forward) + width * width + width


def test_a_configuration_gives_a_graph_with_all_parameters_and_a_replicated_mask() -> None:
    graph = import_config(TINY_BERT, "tiny", sequence=16)
    assert graph.weight_elements.sum() == bert_parameters(2, 32, 64, 100)
    assert bert_parameters(24, 1024, 4096, 30522) == 335_141_888
    assert graph.replicated


def test_no_tensor_is_read_by_every_layer() -> None:
    graph = import_config(TINY_BERT | {"num_hidden_layers": 4}, "tiny", sequence=16)
    layers = [
        {
            int(name.split(".")[2])
            for name in (graph.op_names[op] for op in readers)
            if name.startswith("encoder.layer.")
        }
        for readers in (graph.tensor_consumers[tensor] for tensor in range(graph.n_tensors))
    ]
    assert max(map(len, layers)) <= 2


def test_a_config_file_is_read_from_its_folder_and_named_after_it(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TINY_BERT))
    graph = import_config_file(folder, sequence=16, level="modules")
    assert graph.name == "tiny-bert"
    assert "attention" in graph.op_kinds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("{}", "model_type: expected the name of an architecture"),
        ('{"model_type": "brt"}', "model_type: "),
    ],
)
def test_a_configuration_of_nothing_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        import_config_file(path)
    assert str(caught.value).startswith(f"{path}: {told}")
    assert "\n" not in str(caught.value)
