"""What the table has a row for: exports of models/export/zoo.py, and graphs of speech bundles."""

import dataclasses

TOKENS = {"input_ids": ("batch", "sequence"), "attention_mask": ("batch", "sequence")}
BERT = {**TOKENS, "token_type_ids": ("batch", "sequence")}
IMAGE = {"image": ("batch", 3, "side", "side")}
SIDES = (160, 224, 288)
FRAMES = (100, 400, 1000)
BATCHES = (1, 8, 32)
LENGTHS = (16, 64, 256)


@dataclasses.dataclass(frozen=True)
class Export:
    """`inputs`: extents by input, names for those that `sweep` or nothing (1) gives."""

    title: str
    name: str
    inputs: dict
    sweep: str
    axes: str  # What octet calls the sweep.
    values: tuple

    def shapes(self, value: int) -> dict:
        """Extents at a point of the sweep."""
        known = {self.sweep: value}
        return {
            name: [e if isinstance(e, int) else known.get(e, 1) for e in extents] for name, extents in self.inputs.items()
        }


def vision(title: str, name: str) -> Export:
    return Export(title, name, IMAGE, "side", "height+width", SIDES)


def text(title: str, name: str, inputs: dict) -> Export:
    return Export(title, name, inputs, "sequence", "sequence", LENGTHS)


def speech(title: str, name: str) -> Export:
    return Export(title, name, {"features": ("batch", "frames", 80)}, "frames", "frames", FRAMES)


def language(title: str, name: str) -> Export:
    states = {state: (2, "batch", 650) for state in ("h", "c")}
    return Export(title, name, {"tokens": ("batch", 1), **states}, "batch", "batch", BATCHES)


EXPORTS = (
    Export("MLP 400-256-256-10", "mlp_400_256_256_10", {"input": ("batch", 400)}, "batch", "batch", BATCHES),
    Export("VAE 784-400-20", "vae_784_400_20", {"image": ("batch", 784), "noise": ("batch", 20)}, "batch", "batch", BATCHES),
    text("BERT base", "bert_base", BERT),
    text("ALBERT base", "albert_base", BERT),
    text("DistilBERT base", "distilbert_base", TOKENS),
    text("Longformer 4x256", "longformer_4x256", {**TOKENS, "global_attention_mask": ("batch", "sequence")}),
    vision("MobileNetV2", "mobilenet_v2"),
    vision("MobileNetV3 large", "mobilenet_v3_large"),
    vision("MobileNetV3 small", "mobilenet_v3_small"),
    vision("ResNet18", "resnet18"),
    vision("SqueezeNet 1.0", "squeezenet1_0"),
    vision("MNASNet 1.0", "mnasnet1_0"),
    speech("conformer 12x512", "conformer_12x512"),
    speech("conformer 16x144", "conformer_16x144"),
    speech("BLSTM 4x320", "blstm_4x320"),
    language("LSTM LM, words", "lstm_lm_words"),
    language("LSTM LM, characters", "lstm_lm_characters"),
)


@dataclasses.dataclass(frozen=True)
class Graph:
    """A graph of a speech bundle; steps of decoders and language models are of 8 hypotheses."""

    title: str
    bundle: str
    part: str
    values: tuple = FRAMES
    sweep: str = "frames"


GRAPHS = (
    Graph("conformer recogniser, encoder", "commands_conformer", "encoder"),
    Graph("conformer recogniser, decoder step", "commands_conformer", "decoder"),
    Graph("transformer LM, step", "commands_conformer", "lm", values=(20,), sweep="past tokens"),
    Graph("LSTM recogniser, encoder", "commands_lstm", "encoder"),
    Graph("LSTM recogniser, decoder step", "commands_lstm", "decoder"),
    Graph("LSTM LM, step", "commands_lstm", "lm", values=(20,), sweep="past tokens"),
    Graph("translator, encoder", "commands_translator", "encoder"),
    Graph("translator, second decoder's step", "commands_translator", "translation_decoder"),
)
