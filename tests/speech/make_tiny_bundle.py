#!/usr/bin/env python3
"""Makes the bundles that the tests of speech/ decode: random weights from a seed, a few kilobytes.

    python make_tiny_bundle.py FOLDER [--family attention|lstm] [--task recognize|translate] [--streaming]

What the weights lack in sense they have in spread: scores differ enough between hypotheses that beam
searches can't agree by chance. `attention` has a decoder with growing key/value caches, `lstm` one
whose states have fixed sizes.
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE, HOP, WINDOW, FEATURES, WIDTH, HEADS = 8000, 80, 200, 8, 8, 2
TOKENS = ["<blank>", "<s>", "</s>", *(f"\u2581{w}" for w in "abcd"), *"efgh", "\u2581ij"]
TARGET = ["<s>", "</s>", *(f"\u2581{w}" for w in "tuvw"), *"xyz"]
BLANK, START, END = 0, 1, 2
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Builder:
    """An ONNX graph by name; constants come from the generator."""

    def __init__(self, random):
        self.random, self.nodes, self.constants, self.inputs, self.outputs = random, [], [], [], []

    def weight(self, name, *shape, scale=None):
        scale = 1.2 / np.sqrt(shape[0]) if scale is None else scale
        values = self.random.normal(0, scale, shape).astype(np.float32)
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op, inputs, outputs, **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes))
        return outputs[0]

    def input(self, name, dtype, *dims):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, dims))
        return name

    def output(self, name, dtype, *dims):
        self.outputs.append(helper.make_tensor_value_info(name, dtype, dims))

    def save(self, path):
        read = {name for node in self.nodes for name in node.input}
        constants = [constant for constant in self.constants if constant.name in read]
        graph = helper.make_graph(self.nodes, path.stem, self.inputs, self.outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def features(random, path):
    """Frame t covers samples t*HOP to t*HOP + WINDOW: no padding, so frames don't depend on others."""
    b = Builder(random)
    b.input("waveform", FLOAT, "B", "N")
    b.input("lengths", INT64, "B")
    b.constant("channel", np.int64([1]))
    b.node("Unsqueeze", ["waveform", "channel"], "one_channel")
    b.weight("filters", FEATURES, 1, WINDOW, scale=0.4)
    b.node("Conv", ["one_channel", "filters"], "filtered", strides=[HOP])
    b.node("Tanh", ["filtered"], "bounded")
    b.node("Transpose", ["bounded"], "features", perm=[0, 2, 1])
    b.constant("less", np.int64(WINDOW - HOP))
    b.constant("hop", np.int64(HOP))
    b.constant("none", np.int64(0))
    b.node("Sub", ["lengths", "less"], "left")
    b.node("Div", ["left", "hop"], "whole")
    b.node("Max", ["whole", "none"], "feature_lengths")
    b.output("features", FLOAT, "B", "T", FEATURES)
    b.output("feature_lengths", INT64, "B")
    b.save(path)


def encoder(random, path, streaming):
    """Every fourth frame, then an LSTM; of a streaming bundle its state goes in and out."""
    b = Builder(random)
    b.input("features", FLOAT, "B", "T", FEATURES)
    b.input("lengths", INT64, "B")
    b.constant("starts", np.int64([0]))
    b.constant("ends", np.int64([2**31 - 1]))
    b.constant("axes", np.int64([1]))
    b.constant("steps", np.int64([4]))
    b.node("Slice", ["features", "starts", "ends", "axes", "steps"], "fourth")
    b.node("Transpose", ["fourth"], "by_time", perm=[1, 0, 2])
    b.weight("W", 1, 4 * WIDTH, FEATURES, scale=1.2)
    b.weight("R", 1, 4 * WIDTH, WIDTH, scale=0.5)
    b.weight("bias", 1, 8 * WIDTH, scale=0.2)
    states = [f"state.{i}" for i in range(2)] if streaming else []
    carried = [f"next.{i}" for i in range(2)] if streaming else []
    for name in states:
        b.input(name, FLOAT, 1, 1, WIDTH)
    b.node("LSTM", ["by_time", "W", "R", "bias", *(["", *states] if streaming else [])],
           ["lstm", *carried], hidden_size=WIDTH)
    b.node("Squeeze", ["lstm", "axes"], "rows")
    b.node("Transpose", ["rows"], "encoded", perm=[1, 0, 2])
    b.constant("three", np.int64(3))
    b.constant("four", np.int64(4))
    b.node("Add", ["lengths", "three"], "up")
    b.node("Div", ["up", "four"], "encoded_lengths")
    b.output("encoded", FLOAT, "B", "S", WIDTH)
    b.output("encoded_lengths", INT64, "B")
    for name in carried:
        b.output(name, FLOAT, 1, 1, WIDTH)
    b.save(path)


def ctc(random, path):
    b = Builder(random)
    b.input("encoded", FLOAT, "B", "S", WIDTH)
    b.weight("head", WIDTH, len(TOKENS), scale=1.5)
    b.node("MatMul", ["encoded", "head"], "scores")
    b.node("LogSoftmax", ["scores"], "log_probs", axis=-1)
    b.output("log_probs", FLOAT, "B", "S", len(TOKENS))
    b.save(path)


def memory(random, path, sources=("encoded",)):
    """Keys and values of each source: [B, S, WIDTH]."""
    b = Builder(random)
    for number, source in enumerate(sources):
        axis = "SL"[number]
        b.input(source, FLOAT, "B", axis, WIDTH)
        for kind in range(2):
            name = f"memory.{2 * number + kind}"
            b.weight(f"w.{name}", WIDTH, WIDTH)
            b.node("MatMul", [source, f"w.{name}"], name)
            b.output(name, FLOAT, "B", axis, WIDTH)
    b.save(path)


def attend(b, query, number, lengths, name):
    """Cross-attention of query [H, WIDTH] over memory.2n, .2n+1 [1 or H, S, WIDTH], masked."""
    keys, values = f"memory.{2 * number}", f"memory.{2 * number + 1}"
    b.node("Unsqueeze", [query, "one"], f"{name}.q")
    b.node("Transpose", [keys], f"{name}.kt", perm=[0, 2, 1])
    b.node("MatMul", [f"{name}.q", f"{name}.kt"], f"{name}.raw")
    b.node("Shape", [keys], f"{name}.shape")
    b.node("Gather", [f"{name}.shape", "one_index"], f"{name}.length")
    b.node("Range", ["zero_index", f"{name}.length", "one_index"], f"{name}.positions")
    b.node("Unsqueeze", [lengths, "one"], f"{name}.limits")
    b.node("Less", [f"{name}.positions", f"{name}.limits"], f"{name}.inside")
    b.node("Unsqueeze", [f"{name}.inside", "one"], f"{name}.mask")
    b.node("Where", [f"{name}.mask", f"{name}.raw", "masked"], f"{name}.scores")
    b.node("Softmax", [f"{name}.scores"], f"{name}.weights", axis=-1)
    b.node("MatMul", [f"{name}.weights", values], f"{name}.read")
    return b.node("Squeeze", [f"{name}.read", "one"], f"{name}.out")


def step_inputs(b, vocabulary):
    b.input("tokens", INT64, "H")
    b.input("parents", INT64, "H")
    b.constant("one", np.int64([1]))
    b.constant("one_index", np.int64(1))
    b.constant("zero_index", np.int64(0))
    b.constant("masked", np.float32(-1e9))
    b.weight("table", vocabulary, WIDTH, scale=1.0)
    return b.node("Gather", ["table", "tokens"], "embedded", axis=0)


def attention_state(b, x):
    """Self-attention over a cache that grows by a row a step: state [1 or before, L, WIDTH]."""
    for kind in ("q", "k", "v"):
        b.weight(f"self.{kind}", WIDTH, WIDTH)
        b.node("MatMul", [x, f"self.{kind}"], f"self.{kind}.row")
        b.node("Unsqueeze", [f"self.{kind}.row", "one"], f"self.{kind}.one")
    for i, kind in enumerate(("k", "v")):
        b.input(f"state.{i}", FLOAT, "P", "L", WIDTH)
        b.node("Gather", [f"state.{i}", "parents"], f"state.{i}.mine", axis=0)
        b.node("Concat", [f"state.{i}.mine", f"self.{kind}.one"], f"next.{i}", axis=1)
        b.output(f"next.{i}", FLOAT, "H", "M", WIDTH)
    b.node("Transpose", ["next.0"], "self.kt", perm=[0, 2, 1])
    b.node("MatMul", ["self.q.one", "self.kt"], "self.scores")
    b.node("Softmax", ["self.scores"], "self.weights", axis=-1)
    b.node("MatMul", ["self.weights", "next.1"], "self.read")
    b.node("Squeeze", ["self.read", "one"], "self.out")
    return b.node("Add", [x, "self.out"], "self.sum")


def lstm_state(b, x):
    """One LSTM cell: states [1 or before, WIDTH]."""
    for i in range(2):
        b.input(f"state.{i}", FLOAT, "P", WIDTH)
        b.node("Gather", [f"state.{i}", "parents"], f"state.{i}.mine", axis=0)
        b.constant(f"front.{i}", np.int64([0]))
        b.node("Unsqueeze", [f"state.{i}.mine", f"front.{i}"], f"state.{i}.in")
    b.node("Unsqueeze", [x, "front.0"], "cell.x")
    b.weight("cell.W", 1, 4 * WIDTH, WIDTH, scale=0.8)
    b.weight("cell.R", 1, 4 * WIDTH, WIDTH, scale=0.8)
    b.node("LSTM", ["cell.x", "cell.W", "cell.R", "", "", "state.0.in", "state.1.in"],
           ["", "cell.h", "cell.c"], hidden_size=WIDTH)
    for i, kind in enumerate(("h", "c")):
        b.node("Squeeze", [f"cell.{kind}", "front.0"], f"next.{i}")
        b.output(f"next.{i}", FLOAT, "H", WIDTH)
    return "next.0"


def log_probs(b, x, vocabulary):
    b.weight("out", WIDTH, vocabulary, scale=1.0)
    b.node("MatMul", [x, "out"], "scores")
    b.node("LogSoftmax", ["scores"], "log_probs", axis=-1)
    b.output("log_probs", FLOAT, "H", vocabulary)


def decoder(random, path, family, vocabulary, sources=("memory_lengths",), hidden=False):
    b = Builder(random)
    x = step_inputs(b, vocabulary)
    for number, lengths in enumerate(sources):
        for kind in range(2):
            b.input(f"memory.{2 * number + kind}", FLOAT, "R", "SL"[number], WIDTH)
        b.input(lengths, INT64, "R")
    x = attention_state(b, x) if family == "attention" else lstm_state(b, x)
    for number, lengths in enumerate(sources):
        read = attend(b, x, number, lengths, f"cross.{number}")
        x = b.node("Add", [x, read], f"cross.{number}.sum")
    if hidden:
        b.node("Tanh", [x], "hidden")
        b.output("hidden", FLOAT, "H", WIDTH)
    log_probs(b, x, vocabulary)
    b.save(path)


def language_model(random, path, family):
    b = Builder(random)
    x = step_inputs(b, len(TOKENS))
    x = attention_state(b, x) if family == "attention" else lstm_state(b, x)
    log_probs(b, x, len(TOKENS))
    b.save(path)


def bridge(random, path):
    b = Builder(random)
    b.input("hidden", FLOAT, "B", "L", WIDTH)
    b.input("lengths", INT64, "B")
    b.weight("w", WIDTH, WIDTH)
    b.node("MatMul", ["hidden", "w"], "product")
    b.node("Tanh", ["product"], "encoded")
    b.node("Identity", ["lengths"], "encoded_lengths")
    b.output("encoded", FLOAT, "B", "L", WIDTH)
    b.output("encoded_lengths", INT64, "B")
    b.save(path)


def make(folder, family="attention", task="recognize", streaming=False, seed=6):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    features(random, folder / "features.onnx")
    encoder(random, folder / "encoder.onnx", streaming)
    ctc(random, folder / "ctc.onnx")
    memory(random, folder / "memory.onnx")
    decoder(random, folder / "decoder.onnx", family, len(TOKENS), hidden=task == "translate")
    language_model(random, folder / "lm.onnx", family)
    (folder / "tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(TOKENS)))
    facts = {"format": "octet speech bundle", "version": 1, "task": task, "sample_rate": RATE,
             **{part: f"{part}.onnx" for part in ("features", "encoder", "ctc", "memory", "decoder", "lm")},
             "tokens": "tokens.txt", "blank": BLANK, "start": START, "end": END,
             "search": {"beam": 4, "ctc_weight": 0.3, "lm_weight": 0.2, "length_bonus": 0.1}}
    if streaming:
        facts["streaming"] = {"chunk_frames": 16, "context_frames": 0, "hop_samples": HOP,
                              "window_samples": WINDOW}
    if task == "translate":
        bridge(random, folder / "bridge.onnx")
        memory(random, folder / "translation_memory.onnx", ("encoded", "bridged"))
        decoder(random, folder / "translation_decoder.onnx", family, len(TARGET),
                ("memory_lengths", "bridged_lengths"))
        (folder / "target_tokens.txt").write_text("".join(f"{t} {i}\n" for i, t in enumerate(TARGET)))
        facts["translation"] = {"bridge": "bridge.onnx", "memory": "translation_memory.onnx",
                                "decoder": "translation_decoder.onnx", "tokens": "target_tokens.txt",
                                "start": 0, "end": 1, "search": {"beam": 4, "length_bonus": 0.2}}
    (folder / "bundle.json").write_text(json.dumps(facts, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--family", choices=("attention", "lstm"), default="attention")
    parser.add_argument("--task", choices=("recognize", "translate"), default="recognize")
    parser.add_argument("--streaming", action="store_true")
    arguments = parser.parse_args()
    make(arguments.folder, arguments.family, arguments.task, arguments.streaming)


if __name__ == "__main__":
    main()
