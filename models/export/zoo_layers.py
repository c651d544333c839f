"""Compares a quantized model layer by layer: each on the inputs that it has in ONNX Runtime.

The model is cut wherever it rounds to codes. What follows a cut reads ONNX Runtime's value there,
what leads to it ends in an output of its own. So no layer sees another layer's differences.
"""

import dataclasses

import numpy as np
import onnx
import zoo_run
import zoo_spec
from onnx import helper

INTEGER_NODES = ("QLinearConv", "QLinearMatMul")
RECURRENT_NODES = ("LSTM", "GRU")
RECURRENT_STEPS = 1000  # In the range of what such a node gives.
PRODUCT_NODES = ("Conv", "Gemm", "MatMul")


@dataclasses.dataclass
class Cut:
    """One compared value.

    value: its name in the model, codes or real.
    scale: the tensor of its step, or None where its range says how large a step is.
    steps_in_range: of a value without a scale.
    """

    value: str
    node: str
    scale: str = None
    zero_point: str = None
    steps_in_range: int = 0


def label(node) -> str:
    return node.name or node.output[0]


class Cutter:
    """Makes the two models: `reference` has every cut value as an output, `cut` is cut there.

    product_steps: in the range of each float product, which is compared, too; 0: it isn't.
    """

    def __init__(self, model: onnx.ModelProto, product_steps: int = 0):
        self.reference = model
        self.cut = onnx.ModelProto()
        self.cut.CopyFrom(model)
        self.results = [output.name for output in model.graph.output]
        self.cuts = []
        # New inputs of the cut model: (value, scale, zero point), the latter two None where the
        # value is fed as it is.
        self.fed = {}
        self.seen = set()
        self.constants = {constant.name for constant in model.graph.initializer}
        for node in list(self.cut.graph.node):
            if node.op_type == "QuantizeLinear":
                self.cut_quantize(node)
            elif node.op_type in INTEGER_NODES:
                self.cut_integer(node)
            elif node.op_type == "DynamicQuantizeLinear":
                self.cut_dynamic(node)
            elif node.op_type in RECURRENT_NODES:
                self.compare_real(node, RECURRENT_STEPS)
            elif node.op_type in PRODUCT_NODES and product_steps:
                self.compare_real(node, product_steps)
        sort_nodes(self.cut.graph)

    def compare(self, cut: Cut, of_reference: list) -> None:
        if cut.value in self.seen:
            return
        self.seen.add(cut.value)
        self.cuts.append(cut)
        present = {output.name for output in self.reference.graph.output}
        for name in of_reference:
            if name not in present and name not in self.constants:
                add_output(self.reference, name)
                present.add(name)

    def redirect(self, old: str, new: str) -> None:
        for node in self.cut.graph.node:
            for i, name in enumerate(node.input):
                if name == old:
                    node.input[i] = new

    def cut_quantize(self, node) -> None:
        """A real input, rounded again, takes the codes' place; so pairs stay pairs."""
        codes, scale, zero_point = node.output[0], node.input[1], node.input[2]
        fed, again = codes + "@fed", codes + "@codes"
        self.redirect(codes, again)
        round_again = helper.make_node("QuantizeLinear", [fed, *node.input[1:]], [again])
        round_again.attribute.extend(node.attribute)
        real = codes + "@real"
        end = [
            helper.make_node("DequantizeLinear", [codes, *node.input[1:]], [real]),
            # A pair in front of an output stays two nodes; in front of any node it is one type.
            helper.make_node("Neg", [real], [codes + "@out"]),
        ]
        self.cut.graph.node.extend([round_again, *end])
        self.fed[fed] = (codes, scale, zero_point)
        add_output(self.cut, codes + "@out")
        self.compare(Cut(codes, label(node), scale, zero_point), [codes])

    def cut_integer(self, node) -> None:
        codes = node.output[0]
        self.redirect(codes, codes + "@fed")
        self.fed[codes + "@fed"] = (codes, None, None)
        add_output(self.cut, codes)
        self.compare(Cut(codes, label(node)), [codes])

    def cut_dynamic(self, node) -> None:
        value = node.input[0]
        fed = value + "@fed"
        node.input[0] = fed
        if fed in self.fed:
            return
        self.fed[fed] = (value, None, None)
        inputs = {port.name for port in self.reference.graph.input}
        if value in inputs:
            return
        if value not in {output.name for output in self.cut.graph.output}:
            add_output(self.cut, value)
        self.compare(Cut(value, label(node), node.output[1]), [value, node.output[1]])

    def compare_real(self, node, steps_in_range: int) -> None:
        value = node.output[0]
        if value not in {output.name for output in self.cut.graph.output}:
            add_output(self.cut, value)
        self.compare(Cut(value, label(node), steps_in_range=steps_in_range), [value])


def add_output(model: onnx.ModelProto, name: str) -> None:
    model.graph.output.append(onnx.ValueInfoProto(name=name))


def sort_nodes(graph) -> None:
    """Puts each node behind those that it reads."""
    producers = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    order, placed, waiting = [], set(), list(range(len(graph.node)))[::-1]
    while waiting:
        at = waiting[-1]
        reads = (producers[name] for name in graph.node[at].input if name in producers)
        missing = [i for i in reads if i not in placed]
        if at in placed or not missing:
            waiting.pop()
            if at not in placed:
                placed.add(at)
                order.append(at)
        waiting.extend(missing if at not in placed else [])
    nodes = [graph.node[i] for i in order]
    sorted_graph = onnx.GraphProto()
    sorted_graph.node.extend(nodes)
    del graph.node[:]
    graph.node.extend(sorted_graph.node)


def constant_of(model: onnx.ModelProto, name: str) -> np.ndarray:
    return next(onnx.numpy_helper.to_array(c) for c in model.graph.initializer if c.name == name)


def dequantized(codes: np.ndarray, scale: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    return (codes.astype(np.float32) - zero_point.astype(np.float32)) * scale


def values_fed(cutter: Cutter, inner: dict) -> dict:
    """Arrays by the cut model's new input names; inner holds ONNX Runtime's values."""
    fed = {}
    for name, (value, scale, zero_point) in cutter.fed.items():
        array = inner[value]
        if scale is not None:
            parameters = (constant_of(cutter.reference, p) for p in (scale, zero_point))
            array = dequantized(array, *parameters)
        fed[name] = array
    return fed


def with_inputs(model: onnx.ModelProto, fed: dict) -> onnx.ModelProto:
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    for name, array in fed.items():
        dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
        bound.graph.input.append(helper.make_tensor_value_info(name, dtype, array.shape))
    return bound


def steps_of(cutter: Cutter, cut: Cut, actual: dict, inner: dict) -> float:
    """How many steps apart octet's value is from ONNX Runtime's."""
    expected = inner[cut.value]
    if cut.steps_in_range:
        span = float(np.ptp(expected.astype(np.float64))) if expected.size else 0.0
        difference = zoo_spec.largest_difference(actual[cut.value], expected)
        return zoo_spec.relative_to(difference, span / cut.steps_in_range)
    if cut.zero_point:
        scale, zero_point = (constant_of(cutter.reference, n) for n in (cut.scale, cut.zero_point))
        codes = np.rint(-actual[cut.value + "@out"] / scale) + zero_point
        return float(np.abs(codes - expected).max(initial=0))
    if cut.scale:
        difference = zoo_spec.largest_difference(actual[cut.value], expected)
        return zoo_spec.relative_to(difference, float(inner[cut.scale]))
    return float(np.abs(actual[cut.value].astype(int) - expected.astype(int)).max(initial=0))


def compare_layers(
    arguments, model, inputs: dict, folder, steps_in_range: int, product_steps: int = 0
) -> list:
    """(steps, node) of every layer and every output of the model, the furthest apart first.

    steps_in_range: of the model's outputs; product_steps: see Cutter.
    """
    cutter = Cutter(onnx.load(model), product_steps)
    reference = zoo_run.open_reference(arguments, cutter.reference.SerializeToString())
    names = zoo_run.output_names(reference)
    inner = dict(inputs, **dict(zip(names, reference.run(names, inputs))))
    fed = values_fed(cutter, inner)
    path = folder / "cut.onnx"
    onnx.save(with_inputs(cutter.cut, fed), path)
    wanted = [output.name for output in cutter.cut.graph.output]
    actual = dict(zip(wanted, zoo_run.run_octet(arguments, path, {**inputs, **fed}, wanted, folder)))
    path.unlink()
    rows = [(steps_of(cutter, cut, actual, inner), cut.node) for cut in cutter.cuts]
    for name in cutter.results:
        cut = Cut(name, name, steps_in_range=steps_in_range)
        rows.append((steps_of(cutter, cut, actual, inner), name))
    return sorted(rows, reverse=True)
