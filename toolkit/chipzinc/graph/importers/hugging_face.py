"""Hugging Face configurations to graphs: weights are never read, `meta` tensors stand for them.

The only module that knows transformers; export itself is `torch_export`'s.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chipzinc.errors import InputError
from chipzinc.graph.importers.torch_export import Level, export_module
from chipzinc.graph.opgraph import OpGraph


def import_config_file(
    path: Path, *, level: Level = "ops", batch: int = 1, sequence: int = 128, head: str = ""
) -> OpGraph:
    """Reads a model's ``config.json`` (or the folder it is in) and exports the architecture it describes.

    Raises:
        InputError: the file is missing or names no architecture that transformers knows.
    """
    path = path / "config.json" if path.is_dir() else path
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not JSON: {error}", file=path) from None
    if not isinstance(settings, dict) or not isinstance(settings.get("model_type"), str):
        raise InputError("expected the name of an architecture, such as bert", file=path, field="model_type")
    name = path.parent.name if path.name == "config.json" else path.stem
    try:
        return import_config(settings, name, level=level, batch=batch, sequence=sequence, head=head, source=path.name)
    except InputError as error:
        raise InputError(error.message, file=path, field=error.field) from None


def import_config(
    settings: Mapping[str, Any],
    name: str,
    *,
    level: Level = "ops",
    batch: int = 1,
    sequence: int = 128,
    head: str = "",
    source: str = "",
) -> OpGraph:
    """Builds an architecture on the `meta` device and exports its inference graph.

    Args:
        settings: ``model_type`` and whatever differs from that architecture's defaults.
        name: the graph's name.
        level: see `torch_export.Level`.
        batch: samples an inference takes.
        sequence: tokens of a text, or of each side of a sequence-to-sequence model.
        head: ending of an auto class, such as ``ForCausalLM``; empty for the bare model.
        source: where the configuration came from, for people.

    Raises:
        InputError: transformers is not installed or does not know the architecture, or export fails.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        message = f"needs torch and transformers ({error}); pip install 'chipzinc[import,policy]'"
        raise InputError(message) from None
    options = {key: value for key, value in settings.items() if key not in ("model_type", "transformers_version")}
    with _quiet(transformers):
        try:
            config = transformers.AutoConfig.for_model(settings["model_type"], **options)
            auto_class = getattr(transformers, f"AutoModel{head}")
            with torch.device("meta"):
                model = auto_class.from_config(config)
        except (ValueError, KeyError, AttributeError, TypeError, ImportError) as error:
            message = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(message, field="model_type") from None
        model.config.use_cache = False  # a cache would come out as extra outputs
        inputs = _example_inputs(model, batch, sequence)
        return export_module(model, (), name, example_kwargs=inputs, level=level, source=source)


def _example_inputs(model: Any, batch: int, sequence: int) -> dict[str, Any]:
    """Returns tensors of the shapes that the model's main input takes."""
    import torch

    config = model.config
    tokens = torch.zeros(batch, sequence, dtype=torch.long, device="meta")
    if model.main_input_name == "pixel_values":
        side = getattr(config, "image_size", 224)
        height, width = side if isinstance(side, (tuple, list)) else (side, side)
        return {"pixel_values": torch.zeros(batch, getattr(config, "num_channels", 3), height, width, device="meta")}
    if model.main_input_name in ("input_features", "input_values"):
        bins = getattr(config, "num_mel_bins", None)
        shape = (batch, bins, 2 * config.max_source_positions) if bins else (batch, 16000)
        features = {model.main_input_name: torch.zeros(*shape, device="meta")}
        return features | ({"decoder_input_ids": tokens, "use_cache": False} if config.is_encoder_decoder else {})
    inputs: dict[str, Any] = {"input_ids": tokens, "attention_mask": tokens}
    if config.is_encoder_decoder:
        inputs |= {"decoder_input_ids": tokens, "decoder_attention_mask": tokens, "use_cache": False}
    elif getattr(config, "type_vocab_size", 0):
        inputs["token_type_ids"] = tokens
    return inputs


@contextlib.contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keeps transformers' notes about defaults off stderr, and leaves its verbosity as it was."""
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
