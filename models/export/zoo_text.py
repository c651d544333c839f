"""BERT-like encoders of the transformers package with dynamic batch and sequence."""

import torch
import transformers
from torch import nn
from zoo_spec import Entry, Port, first_token_mask, integers, prefix_mask
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


def entry(name, model_type, config, inputs, outputs, opset, cases=CASES) -> Entry:
    shown = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "hidden_act")
    settings = {key: getattr(config, key, None) for key in shown}
    return Entry(
        name=name,
        build=lambda: build(model_type, config, tuple(p.name for p in inputs)),
        inputs=inputs,
        outputs=outputs,
        cases=cases,
        settings=dict(settings, source=f"transformers.{model_type.__name__}"),
        opset=opset,
    )


def hidden(width: int) -> Port:
    return Port("last_hidden_state", ("batch", "sequence", width))


def pooled(width: int) -> Port:
    return Port("pooler_output", ("batch", width))


def bert() -> Entry:
    config = transformers.BertConfig(initializer_range=0.04)
    inputs = (ids(config.vocab_size), mask(), types())
    return entry("bert_base", transformers.BertModel, config, inputs, (hidden(768), pooled(768)), 17)


def albert() -> Entry:
    config = transformers.AlbertConfig(
        hidden_size=768,
        num_attention_heads=12,
        intermediate_size=3072,
        initializer_range=0.04,
    )
    inputs = (ids(config.vocab_size), mask(), types())
    outputs = (hidden(768), pooled(768))
    return entry("albert_base", transformers.AlbertModel, config, inputs, outputs, 13)


def distilbert() -> Entry:
    config = transformers.DistilBertConfig(initializer_range=0.04)
    inputs = (ids(config.vocab_size), mask())
    return entry("distilbert_base", transformers.DistilBertModel, config, inputs, (hidden(768),), 11)


def longformer() -> Entry:
    """A small Longformer: local windows of 32 tokens and one global token a row."""
    config = transformers.LongformerConfig(
        vocab_size=5000,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        attention_window=32,
        max_position_embeddings=1026,
        initializer_range=0.06,
        onnx_export=True,
    )
    is_global = Port("global_attention_mask", ("batch", "sequence"), "int64", first_token_mask())
    inputs = (ids(5000), mask(), is_global)
    cases = tuple({"batch": b, "sequence": s} for b, s in ((2, 128), (1, 64), (3, 256)))
    outputs = (hidden(256), pooled(256))
    return entry("longformer_4x256", transformers.LongformerModel, config, inputs, outputs, 17, cases)


def entries() -> list:
    transformers.logging.set_verbosity_error()
    torch.set_grad_enabled(False)
    return [bert(), albert(), distilbert(), longformer()]
