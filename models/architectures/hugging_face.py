"""Configurations of published models, for the architectures that the transformers package has.

Sizes only: no weight is ever read. BERT has the package's default attention, which core ATen spells out with a guard
against rows that are masked whole; EAGER spells it out as plain products and a softmax.
Knows nothing of exporting, graphs or chips.
"""

from __future__ import annotations

from typing import Any

Settings = dict[str, Any]

CLASSES = {"num_labels": 1000}
EAGER = {"attn_implementation": "eager"}


def bert(layers: int, width: int, heads: int) -> Settings:
    """BERT (Devlin et al., 2019)."""
    sizes = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    return {"model_type": "bert", "intermediate_size": 4 * width, **sizes}


def gpt2(layers: int, width: int, heads: int) -> Settings:
    """GPT-2 (Radford et al., 2019)."""
    return {"model_type": "gpt2", "n_layer": layers, "n_embd": width, "n_head": heads, **EAGER}


def t5(layers: int, width: int, heads: int) -> Settings:
    """T5 (Raffel et al., 2020)."""
    return {"model_type": "t5", "num_layers": layers, "d_model": width, "num_heads": heads, "d_ff": 4 * width, **EAGER}


def vit(layers: int, width: int, heads: int) -> Settings:
    """ViT with 16 x 16 patches (Dosovitskiy et al., 2021)."""
    sizes = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    return {"model_type": "vit", "intermediate_size": 4 * width, **sizes, **CLASSES, **EAGER}


def swin(width: int, depths: tuple[int, ...], heads: tuple[int, ...]) -> Settings:
    """Swin transformer with 7 x 7 windows (Liu et al., 2021)."""
    return {"model_type": "swin", "embed_dim": width, "depths": depths, "num_heads": heads, **CLASSES, **EAGER}


def llama(layers: int, width: int, hidden: int, heads: int, groups: int, vocabulary: int, tied: bool) -> Settings:
    """Llama (Touvron et al., 2023; Grattafiori et al., 2024)."""
    sizes = {"num_hidden_layers": layers, "hidden_size": width, "intermediate_size": hidden, "vocab_size": vocabulary}
    attention = {"num_attention_heads": heads, "num_key_value_heads": groups}
    return {"model_type": "llama", **sizes, **attention, "tie_word_embeddings": tied, **EAGER}


def resnet(depths: tuple[int, ...], *, bottleneck: bool = True) -> Settings:
    """ResNet (He et al., 2016)."""
    widths = [64, 128, 256, 512]
    if bottleneck:
        widths = [4 * width for width in widths]
    layer = "bottleneck" if bottleneck else "basic"
    return {"model_type": "resnet", "layer_type": layer, "depths": depths, "hidden_sizes": widths, **CLASSES}


def regnet(layer: str, depths: tuple[int, ...], widths: tuple[int, ...], group: int) -> Settings:
    """RegNetX or, with squeeze-and-excitation, RegNetY (Radosavovic et al., 2020)."""
    sizes = {"depths": depths, "hidden_sizes": widths, "groups_width": group, "embedding_size": 32}
    return {"model_type": "regnet", "layer_type": layer, **sizes, **CLASSES}


def convnext(depths: tuple[int, ...], widths: tuple[int, ...], version: str = "convnext") -> Settings:
    """ConvNeXt (Liu et al., 2022) or, by `version`, ConvNeXt V2 (Woo et al., 2023)."""
    return {"model_type": version, "depths": depths, "hidden_sizes": widths, "image_size": 224, **CLASSES}


def mobilenet(version: int) -> Settings:
    """MobileNetV1 or V2 at width 1 (Howard et al., 2017; Sandler et al., 2018)."""
    return {"model_type": f"mobilenet_v{version}", "tf_padding": False, **CLASSES}


def efficientnet(width: float, depth: float, side: int) -> Settings:
    """EfficientNet scaled in width, depth and resolution (Tan and Le, 2019)."""
    scale = {"width_coefficient": width, "depth_coefficient": depth, "image_size": side}
    return {"model_type": "efficientnet", "hidden_dim": round(1280 * width / 8) * 8, **scale, **CLASSES}


# Lan et al., 2020: one layer's weights used twelve times
ALBERT: Settings = {
    "model_type": "albert",
    "embedding_size": 128,
    "hidden_size": 768,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    **EAGER,
}
PYTHIA_410M: Settings = {
    "model_type": "gpt_neox",
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "vocab_size": 50304,
    **EAGER,
}
QWEN2_HALF_B: Settings = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
    **EAGER,
}
BART_BASE: Settings = {
    "model_type": "bart",
    "d_model": 768,
    "encoder_layers": 6,
    "decoder_layers": 6,
    "encoder_attention_heads": 12,
    "decoder_attention_heads": 12,
    "encoder_ffn_dim": 3072,
    "decoder_ffn_dim": 3072,
    **EAGER,
}
WHISPER_TINY: Settings = {"model_type": "whisper", **EAGER}
