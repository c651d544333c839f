"""The models that are timed, and their inputs."""

import json
import pathlib

import numpy as np
import zoo_spec

# By export: the extents of its inputs.
ROWS = {
    "resnet18": {"image": [1, 3, 224, 224]},
    "mobilenet_v2": {"image": [1, 3, 224, 224]},
    "mobilenet_v3_large": {"image": [1, 3, 224, 224]},
    "conformer_12x512": {"features": [1, 803, 80]},
    "conformer_16x144": {"features": [1, 803, 80]},
    "blstm_4x320": {"features": [1, 200, 80]},
    "lstm_lm_words": {"tokens": [1, 1], "h": [2, 1, 650], "c": [2, 1, 650]},
    "mlp_400_256_256_10": {"input": [1, 400]},
    "bert_base": {"input_ids": [1, 64], "attention_mask": [1, 64], "token_type_ids": [1, 64]},
    "distilbert_base": {"input_ids": [1, 64], "attention_mask": [1, 64]},
}


def describe(zoo: pathlib.Path, name: str) -> dict:
    """The export's description with the row's extents as its only set of shapes."""
    description = json.loads((zoo / f"{name}.json").read_text())
    return dict(description, shapes=[ROWS[name]])


def samples(description: dict, count: int, seed: int = 7) -> list:
    """Seeded inputs, arrays by name."""
    return [zoo_spec.make_inputs(description, 0, seed + number) for number in range(count)]


def write_samples(folder: pathlib.Path, arrays: list) -> pathlib.Path:
    """A sample folder as octet reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, inputs in enumerate(arrays):
        np.savez(folder / f"{number}.npz", **inputs)
    return folder
