"""Encoder weights from the ONNX files of the bundled CTC models.

Batch norms are folded into those files' convolutions; the encoder's own begin, and stay, neutral.
"""
import onnx
import torch
from onnx import numpy_helper

# The CTC model's modules that are called otherwise in the encoder.
RENAMED = {"subsample.0": "first", "subsample.2": "second"}


def module_of(name):
    """'/blocks.0/first/first.1/MatMul' -> 'blocks.0.first.1'."""
    parts = name.strip("/").split("/")[:-1]
    kept = [p for p, q in zip(parts, parts[1:] + [""]) if not q.startswith(p + ".")]
    path = ".".join(kept)
    return RENAMED.get(path, path)


def weights_of(path):
    graph = onnx.load(path).graph
    arrays = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in graph.initializer}
    return graph, arrays


def conformer(encoder, path):
    """As many of the file's blocks as the encoder has."""
    graph, arrays = weights_of(path)
    found = dict(arrays)
    for node in graph.node:
        held = [arrays[i] for i in node.input if i in arrays]
        if node.op_type == "MatMul" and held:
            found[module_of(node.name) + ".weight"] = held[0].t()
        elif node.op_type == "Conv":
            found.update(zip((module_of(node.name) + ".weight", module_of(node.name) + ".bias"), held))
    state = encoder.state_dict()
    missing = [name for name in state if "batch_norm" not in name and name not in found]
    if missing:
        raise ValueError(f"{path} lacks {missing}")
    encoder.load_state_dict({name: found.get(name, value) for name, value in state.items()})


def gates(rows):
    """ONNX's order of gates (input, output, forget, cell) to torch's (input, forget, cell, output)."""
    i, o, f, c = rows.chunk(4)
    return torch.cat([i, f, c, o])


def lstm(encoder, path):
    """As many of the file's layers as the encoder has."""
    graph, arrays = weights_of(path)
    nodes = [node for node in graph.node if node.op_type == "LSTM"]
    state = {}
    for layer in range(encoder.lstm.num_layers):
        w, r, b = (arrays[nodes[layer].input[i]] for i in (1, 2, 3))
        for direction, end in enumerate(("", "_reverse")):
            bias = b[direction].chunk(2)
            for name, rows in (("weight_ih", w[direction]), ("weight_hh", r[direction]), ("bias_ih", bias[0]),
                               ("bias_hh", bias[1])):
                state[f"{name}_l{layer}{end}"] = gates(rows)
    encoder.lstm.load_state_dict(state)


ENCODERS = {"conformer": conformer, "lstm": lstm}
