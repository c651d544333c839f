"""BERT-like encoders of the transformers package with dynamic batch and sequence."""

import dataclasses

import torch
import transformers
from torch import nn
from transformers.models.longformer import modeling_longformer
from zoo_spec import Entry, Port, integers, prefix_mask
from zoo_weights import spread_norms

CASES = tuple({"batch": b, "sequence": s} for b, s in ((2, 32), (1, 7), (3, 100)))


class Encoder(nn.Module):
    """A transformers encoder called by argument names, with a tuple of tensors as its result."""

    def __init__(self, model: nn.Module, names: tuple):
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *tensors):
        outputs = self.model(**dict(zip(self.names, tensors)), return_dict=False)
        return outputs if len(outputs) > 1 else outputs[0]


def build(model_type, config, names: tuple) -> nn.Module:
    model = model_type(config)
    spread_norms(model, negative=0.0)
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias, 0.0, 0.05)
    return Encoder(model, names).eval()


def ids(vocabulary: int) -> Port:
    return Port("input_ids", ("batch", "sequence"), "int64", integers(0, vocabulary))


def mask() -> Port:
    return Port("attention_mask", ("batch", "sequence"), "int64", prefix_mask())


def types() -> Port:
    return Port("token_type_ids", ("batch", "sequence"), "int64", integers(0, 2))


def entry(name, model_type, config, inputs, results, opset, cases=CASES) -> Entry:
    shown = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "hidden_act")
    settings = {key: getattr(config, key, None) for key in shown}
    return Entry(
        name=name,
        build=lambda: build(model_type, config, tuple(p.name for p in inputs)),
        inputs=inputs,
        outputs=results,
        cases=cases,
        settings=dict(settings, source=f"transformers.{model_type.__name__}"),
        opset=opset,
    )


def outputs(width: int) -> tuple:
    hidden = Port("last_hidden_state", ("batch", "sequence", width))
    return hidden, Port("pooler_output", ("batch", width))


def bert() -> Entry:
    config = transformers.BertConfig(initializer_range=0.04)
    inputs = (ids(config.vocab_size), mask(), types())
    return entry("bert_base", transformers.BertModel, config, inputs, outputs(768), 17)


def albert() -> Entry:
    config = transformers.AlbertConfig(
        hidden_size=768,
        num_attention_heads=12,
        intermediate_size=3072,
        initializer_range=0.04,
    )
    inputs = (ids(config.vocab_size), mask(), types())
    return entry("albert_base", transformers.AlbertModel, config, inputs, outputs(768), 13)


def distilbert() -> Entry:
    config = transformers.DistilBertConfig(initializer_range=0.04)
    inputs = (ids(config.vocab_size), mask())
    hidden = outputs(768)[:1]
    return entry("distilbert_base", transformers.DistilBertModel, config, inputs, hidden, 11)


class ExportableAttention(modeling_longformer.LongformerSelfAttention):
    """Longformer attention whose windows are sliced and joined.

    The original cuts them with a Python loop or with strides, which tracing freezes at one length.
    """

    @staticmethod
    def _chunk(hidden_states, window_overlap, onnx_export=False):
        return windows(hidden_states, window_overlap, 2)

    def _sliding_chunks_matmul_attn_probs_value(self, attn_probs, value, window_overlap):
        batch, length, heads, width = value.size()
        probs = attn_probs.transpose(1, 2)
        probs = probs.reshape(batch * heads, -1, window_overlap, 2 * window_overlap + 1)
        value = value.transpose(1, 2).reshape(batch * heads, length, width)
        padding = (0, 0, window_overlap, window_overlap)
        value = windows(nn.functional.pad(value, padding, value=-1.0), window_overlap, 3)
        context = torch.matmul(self._pad_and_diagonalize(probs), value)
        return context.view(batch, heads, length, width).transpose(1, 2)


def windows(x, step: int, parts: int):
    """(B, n * step, D) -> (B, n - parts + 1, parts * step, D): overlapping windows."""
    blocks = x.view(x.shape[0], -1, step, x.shape[2])
    count = blocks.shape[1] - parts + 1
    return torch.cat([blocks[:, i : count + i] for i in range(parts)], dim=2)


def traceable_length(x):
    """len for the Longformer module, whose count of global tokens must not become a constant."""
    return x.shape[0] if isinstance(x, torch.Tensor) else len(x)


def build_longformer(config, names: tuple) -> nn.Module:
    modeling_longformer.len = traceable_length
    encoder = build(transformers.LongformerModel, config, names)
    for module in encoder.modules():
        if isinstance(module, modeling_longformer.LongformerSelfAttention):
            module.__class__ = ExportableAttention
    return encoder


def longformer() -> Entry:
    """A small Longformer: windows of 32 tokens, a few global tokens at the start of a row.

    The traced length is no multiple of the window, so that the padding is part of the graph.
    """
    config = transformers.LongformerConfig(
        vocab_size=5000,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        attention_window=32,
        max_position_embeddings=1026,
        initializer_range=0.06,
    )
    is_global = Port("global_attention_mask", ("batch", "sequence"), "int64", prefix_mask(0, 0.1))
    inputs = (ids(5000), mask(), is_global)
    cases = tuple({"batch": b, "sequence": s} for b, s in ((2, 100), (1, 32), (3, 205)))
    return dataclasses.replace(
        entry(
            "longformer_4x256",
            transformers.LongformerModel,
            config,
            inputs,
            outputs(256),
            17,
            cases,
        ),
        build=lambda: build_longformer(config, tuple(p.name for p in inputs)),
    )


def entries() -> list:
    transformers.logging.set_verbosity_error()
    return [bert(), albert(), distilbert(), longformer()]
