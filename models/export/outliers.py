#!/usr/bin/env python3
"""Makes a few channels of every normalization's output much larger, and changes nothing else.

    outliers.py MODEL.onnx OUT.onnx [--factor 256] [--share 0.04] [--seed 1]

Gain and bias of the chosen channels are multiplied by the factor, a power of two; every reader
takes it back: MatMul, Gemm and Conv (behind a Transpose) in their weights, any other reader, such
as the residual sum behind a norm, through a product. The float results keep their bits, but one
8-bit scale for the whole tensor no longer serves the ordinary channels.
"""
import argparse

import numpy as np
import onnx
from onnx import helper, numpy_helper


class Model:
    def __init__(self, path):
        self.model = onnx.load(path)
        self.graph = self.model.graph
        self.constants = {t.name: t for t in self.graph.initializer}
        self.results = {o.name for o in self.graph.output}

    def array(self, name):
        return numpy_helper.to_array(self.constants[name])

    def add(self, name, array):
        tensor = numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.graph.initializer.append(tensor)
        self.constants[name] = tensor
        return name

    def readers(self, value):
        return [(node, i) for node in self.graph.node for i, name in enumerate(node.input) if name == value]

    def replace(self, node, i, array, axis_shape):
        """Input i of the node becomes itself times `array`, broadcast as `axis_shape`."""
        old = self.array(node.input[i])
        name = f"{node.input[i]}/{node.output[0]}/scaled"
        node.input[i] = self.add(name, (old * array.reshape(axis_shape)).astype(old.dtype))


def attribute(node, name, default):
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def take_back(model, node, i, factors):
    """Whether the node's weights undo the factors on its input i."""
    if i != 0 or len(node.input) < 2 or node.input[1] not in model.constants:
        return False
    if node.op_type == "MatMul" and model.array(node.input[1]).ndim == 2:
        model.replace(node, 1, 1 / factors, (-1, 1))
    elif node.op_type == "Gemm" and not attribute(node, "transA", 0):
        model.replace(node, 1, 1 / factors, (1, -1) if attribute(node, "transB", 0) else (-1, 1))
    else:
        return False
    return True


def take_back_transposed(model, node, i, factors):
    """The same for convolutions behind a Transpose that moves the last axis to the second place."""
    if node.op_type != "Transpose" or node.output[0] in model.results:
        return False
    perm = attribute(node, "perm", [])
    readers = model.readers(node.output[0])
    convolutions = all(
        r.op_type == "Conv" and at == 0 and r.input[1] in model.constants and attribute(r, "group", 1) == 1
        for r, at in readers
    )
    if len(perm) != 3 or perm[1] != 2 or not convolutions:
        return False
    for reader, _ in readers:
        model.replace(reader, 1, 1 / factors, (1, -1) + (1,) * (model.array(reader.input[1]).ndim - 2))
    return True


def find_norms(model):
    """(gain's reader and input, bias's reader and input, the node that gives the output) of each norm."""
    producers = {name: node for node in model.graph.node for name in node.output}

    def constant_side(node):
        sides = [i for i, name in enumerate(node.input) if name in model.constants and model.array(name).ndim == 1]
        return sides[0] if len(node.input) == 2 and len(sides) == 1 else None

    for node in list(model.graph.node):
        if node.op_type == "LayerNormalization" and node.input[1] in model.constants:
            yield (node, 1), (node, 2) if len(node.input) > 2 else None, node
        if node.op_type != "Add" or constant_side(node) is None:
            continue
        mul = producers.get(node.input[1 - constant_side(node)])
        if mul is None or mul.op_type != "Mul" or constant_side(mul) is None:
            continue
        div = producers.get(mul.input[1 - constant_side(mul)])
        if div is not None and div.op_type == "Div":  # By the deviation: a norm below opset 17.
            yield (mul, constant_side(mul)), (node, constant_side(node)), node


def enlarge(model, gain, bias, last, factors):
    value = last.output[0]
    left = []
    for node, i in model.readers(value):
        if not (take_back(model, node, i, factors) or take_back_transposed(model, node, i, factors)):
            left.append((node, i))
    model.replace(*gain, factors, (-1,))
    if bias:
        model.replace(*bias, factors, (-1,))
    if left:
        inverse = model.add(f"{value}/inverse", (1 / factors).astype(np.float32))
        product = helper.make_node("Mul", [value, inverse], [f"{value}/unscaled"], name=f"{value}/unscaled")
        at = next(i for i, node in enumerate(model.graph.node) if value in node.output)
        model.graph.node.insert(at + 1, product)
        for node, i in left:
            node.input[i] = product.output[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--factor", type=float, default=256.0)
    parser.add_argument("--share", type=float, default=0.04, help="of the channels")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if np.log2(args.factor) % 1:
        parser.error("the factor must be a power of two")
    model = Model(args.model)
    rng = np.random.default_rng(args.seed)
    norms = [norm for norm in find_norms(model) if norm[2].output[0] not in model.results]
    for gain, bias, last in norms:
        channels = model.array(gain[0].input[gain[1]]).size
        factors = np.ones(channels, np.float32)
        factors[rng.choice(channels, max(1, round(args.share * channels)), replace=False)] = args.factor
        enlarge(model, gain, bias, last, factors)
    used = {name for node in model.graph.node for name in node.input} | model.results
    for tensor in [t for t in model.graph.initializer if t.name not in used]:
        model.graph.initializer.remove(tensor)
    onnx.checker.check_model(model.model)
    onnx.save(model.model, args.out)
    print(f"{args.out}: {len(norms)} norms with outliers of {args.factor:g}")


if __name__ == "__main__":
    main()
