"""The hint octet.dynamic_scales = row of a dynamically quantized model: without it, and its cost.

With it octet quantizes each row of a product's input by its own range; other runtimes take one
range for the whole tensor, as ONNX says. Codes are at most half a scale from what they stand for,
so two outputs of a product differ by at most (row's scale + tensor's scale) / 2 * sum of the
column's |weights|.
"""

import dataclasses

import numpy as np
import onnx
import zoo_layers
import zoo_run

HINT = "octet.dynamic_scales"
SLACK = 1e-4  # of the bound: sums and scales are rounded to floats


@dataclasses.dataclass
class Product:
    """What is needed of MatMulInteger with constant weights and the scaling behind it."""

    label: str
    activation: str
    output: str
    weights: np.ndarray  # sums of |weights| by column


def without_hint(model: onnx.ModelProto) -> onnx.ModelProto:
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    kept = [entry for entry in model.metadata_props if entry.key != HINT]
    del plain.metadata_props[:]
    plain.metadata_props.extend(kept)
    return plain


def plain_file(path, folder):
    """The model without the hint: a file in the folder, or the model's own where it has none."""
    model = onnx.load(path)
    if not any(entry.key == HINT for entry in model.metadata_props):
        return path
    plain = folder / "plain.onnx"
    onnx.save(without_hint(model), plain)
    return plain


def readers_of(model: onnx.ModelProto, name: str) -> list:
    return [node for node in model.graph.node if name in node.input]


def products(model: onnx.ModelProto) -> list:
    """The products that the hint is for: nothing but such products reads their codes."""
    constants = {c.name: c for c in model.graph.initializer}
    found = []
    for quantize in model.graph.node:
        if quantize.op_type != "DynamicQuantizeLinear":
            continue
        readers = readers_of(model, quantize.output[0])
        if all(n.op_type == "MatMulInteger" and n.input[1] in constants for n in readers):
            found += [product_of(model, constants, quantize, node) for node in readers]
    return found


def product_of(model: onnx.ModelProto, constants: dict, quantize, node) -> Product:
    (cast,) = readers_of(model, node.output[0])
    (scaled,) = readers_of(model, cast.output[0])
    factor = next(n for n in model.graph.node if n.output[0] in scaled.input and n is not cast)
    scale = next(constants[name] for name in factor.input if name in constants)
    codes = onnx.numpy_helper.to_array(constants[node.input[1]]).astype(np.float64)
    weights = np.abs(codes).sum(axis=0) * onnx.numpy_helper.to_array(scale)
    return Product(zoo_layers.label(node), quantize.input[0], scaled.output[0], weights)


def scales(values: np.ndarray, axis) -> np.ndarray:
    low = np.minimum(values.min(axis=axis, initial=0), 0)
    high = np.maximum(values.max(axis=axis, initial=0), 0)
    return (high - low).astype(np.float64) / 255


def compare(arguments, path, inputs: dict, folder) -> list:
    """(difference as a share of the bound, node) of each product, the largest first: octet with the
    hint against ONNX Runtime, both on ONNX Runtime's input of the product."""
    model = onnx.load(path)
    found = products(model)
    reference = without_hint(model)
    shown = {output.name for output in reference.graph.output}
    known = {port.name for port in reference.graph.input}
    for name in sorted({n for p in found for n in (p.activation, p.output)} - shown - known):
        zoo_layers.add_output(reference, name)
    session = zoo_run.open_reference(arguments, reference.SerializeToString())
    names = zoo_run.output_names(session)
    inner = dict(inputs, **dict(zip(names, session.run(names, inputs))))
    fed = {p.activation + "@fed": inner[p.activation] for p in found}
    for node in model.graph.node:
        if node.op_type == "DynamicQuantizeLinear" and node.input[0] + "@fed" in fed:
            node.input[0] += "@fed"
    wanted = [p.output for p in found]
    del model.graph.output[:]
    for name in wanted:
        zoo_layers.add_output(model, name)
    cut = folder / "hint.onnx"
    onnx.save(zoo_layers.with_inputs(model, fed), cut)
    actual = zoo_run.run_octet(arguments, cut, {**inputs, **fed}, wanted, folder) if found else []
    cut.unlink()
    return sorted((share(p, a, inner) for p, a in zip(found, actual)), reverse=True)


def share(product: Product, actual: np.ndarray, inner: dict) -> tuple:
    x = inner[product.activation]
    bound = (scales(x, -1)[..., None] + scales(x, None)) / 2 * product.weights
    difference = np.abs(actual.astype(np.float64) - inner[product.output])
    largest = float(np.max(difference / np.maximum(bound, 1e-30), initial=0))
    return largest, product.label
