#!/usr/bin/env python3
"""Quantizes every export of the zoo with octet and runs the results in octet and ONNX Runtime.

Each mode and format gives a row, its figures in quantization steps of the output: a step is 1/255
of the output's range, and 1/1000 where the model is recurrent. Integer outputs must be equal.

  size   of the file against the original
  layer  largest difference of a layer that is given ONNX Runtime's inputs, in steps of its own
         output, and how many layers were compared (zoo_layers.py)
  steps  largest difference of the whole model, and the output that has it
  noise  how far ONNX Runtime moves when the model's float constants move by 1e-6
  loss   root mean square difference from the original model in ONNX Runtime
  rows   of dynamic models, whose figures above are those without the hint of a scale a row: the
         largest difference that the hint makes to a product, as a share of its bound
         (zoo_hints.py), the products, and the whole model's difference and loss with the hint

PASS: every layer and the whole model are within one step. LAYER: every layer is, the whole model
isn't: where a value lies on the edge between two codes, another order of float additions takes the
other one, and later layers carry that on (the noise shows what it costs). FAIL: all else, and
where a product's difference by the hint passes its bound.
"""

import argparse
import collections
import itertools
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import zoo_hints
import zoo_layers
import zoo_run
import zoo_spec

MODES = ("static", "dynamic")
FORMATS = ("qdq", "integer")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    zoo_run.add_arguments(parser)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--samples", type=int, default=4, help="of the calibration (default: 4)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep the models here")
    return zoo_run.parse_arguments(parser)


def quantize(arguments, source: pathlib.Path, target: pathlib.Path, samples, mode, form) -> None:
    options = ["--mode", mode, "--format", form]
    if mode == "static":
        options += ["--calibration", samples]
    zoo_run.call_octet(arguments, "quantize", source, "-o", target, *options)


def is_recurrent(description: dict) -> bool:
    return description["settings"].get("cell") in ("lstm", "gru")


def steps_apart(actual: np.ndarray, expected: np.ndarray, steps_in_range: int) -> float:
    """The largest difference in steps, of which the finite range expected has so many."""
    finite = expected[np.isfinite(expected)].astype(np.float64)
    span = np.ptp(finite) if finite.size else 0.0
    difference = zoo_spec.largest_difference(actual, expected)
    return zoo_spec.relative_to(difference, float(span) / steps_in_range)


def output_steps(description: dict) -> int:
    return zoo_layers.RECURRENT_STEPS if is_recurrent(description) else 255


def apart(actual: list, expected: list, names: list, description: dict) -> tuple:
    """(steps, output name) of the output that differs most."""
    steps_in_range = output_steps(description)
    steps = (steps_apart(a, e, steps_in_range) for a, e in zip(actual, expected))
    return max(zip(steps, names))


def loss(actual: list, expected: list) -> float:
    """Root mean square difference in 1/255 of the range, of the worst float output."""
    worst = 0.0
    for a, e in zip(actual, expected):
        if np.issubdtype(e.dtype, np.floating) and np.ptp(e) > 0:
            worst = max(worst, float(np.sqrt(np.mean((a - e) ** 2)) / np.ptp(e) * 255))
    return worst


def perturbed(model: pathlib.Path, rng) -> bytes:
    """The model with its float constants moved by a relative 1e-6."""
    proto = onnx.load(model)
    for constant in proto.graph.initializer:
        if constant.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(constant)
            moved = values * (1 + 1e-6 * rng.standard_normal(values.shape))
            limit = np.finfo(np.float32).max
            moved = np.clip(moved, -limit, limit).astype(np.float32)
            named = onnx.numpy_helper.from_array(moved, constant.name)
            constant.CopyFrom(named)
    return proto.SerializeToString()


def measure(arguments, description: dict, model: pathlib.Path, folder: pathlib.Path) -> dict:
    """The figures of a quantized model, each the worst of the three shape sets."""
    original = zoo_run.open_reference(arguments, arguments.zoo / description["model"])
    reference = zoo_run.open_reference(arguments, model)
    moved_model = perturbed(model, np.random.default_rng(arguments.seed))
    moved = zoo_run.open_reference(arguments, moved_model)
    names = zoo_run.output_names(reference)
    rows = []
    for index in range(len(description["shapes"])):
        inputs = zoo_spec.make_inputs(description, index, arguments.seed)
        expected = reference.run(names, inputs)
        actual = zoo_run.run_octet(arguments, model, inputs, names, folder)
        steps = apart(actual, expected, names, description)
        noise = apart(moved.run(names, inputs), expected, names, description)
        layers = zoo_layers.compare_layers(
            arguments, model, inputs, folder, output_steps(description)
        )
        lost = loss(expected, original.run(names, inputs))
        rows.append((steps, noise, lost, (*layers[0], len(layers))))
    steps, noise, losses, layer = map(max, zip(*rows))
    return {
        "steps": steps[0],
        "output": steps[1],
        "noise": noise[0],
        "loss": losses,
        "layer": layer[0],
        "worst": layer[1],
        "layers": layer[2],
    }


def measure_hint(arguments, description: dict, model: pathlib.Path, folder) -> dict:
    """What the hint of a scale a row makes of products and of the whole model."""
    original = zoo_run.open_reference(arguments, arguments.zoo / description["model"])
    reference = zoo_run.open_reference(arguments, model)
    names = zoo_run.output_names(reference)
    rows = []
    for index in range(len(description["shapes"])):
        inputs = zoo_spec.make_inputs(description, index, arguments.seed)
        products = zoo_hints.compare(arguments, model, inputs, folder)
        actual = zoo_run.run_octet(arguments, model, inputs, names, folder)
        steps = apart(actual, reference.run(names, inputs), names, description)
        lost = loss(actual, original.run(names, inputs))
        largest = products[0] if products else (0.0, "")
        rows.append((*largest, len(products), steps[0], lost))
    share, node, count = max(rows)[:3]
    steps, losses = (max(row[i] for row in rows) for i in (3, 4))
    return {"rows": share, "node": node, "products": count, "hint": steps, "hint_loss": losses}


def judge(figures: dict) -> str:
    if not figures["layer"] <= 1 or figures.get("rows", 0) > 1 + zoo_hints.SLACK:
        return "FAIL"
    return "PASS" if figures["steps"] <= 1 else "LAYER"


def check(arguments, description: dict, mode: str, form: str, folder: pathlib.Path) -> tuple:
    """(verdict, detail) of one export in one mode and format."""
    source = arguments.zoo / description["model"]
    target = (arguments.keep or folder) / f"{description['name']}.{mode}.{form}.onnx"
    try:
        quantize(arguments, source, target, folder / "samples", mode, form)
        onnx.checker.check_model(str(target), full_check=True)
        plain = zoo_hints.plain_file(target, folder)
        figures = measure(arguments, description, plain, folder)
        figures["size"] = target.stat().st_size / source.stat().st_size
        shown = (
            "size {size:5.3f}  layer {layer:5.3f} of {layers:3}  steps {steps:7.3f}  "
            "noise {noise:7.3f}  loss {loss:7.3f}  {output}"
        )
        if plain != target:
            figures |= measure_hint(arguments, description, target, folder)
            shown += (
                "  rows {rows:5.3f} of {products}  with {hint:7.3f}  loss {hint_loss:7.3f}  {node}"
            )
        verdict = judge(figures)
        failed = f"  layer {figures['worst']}" if verdict == "FAIL" else ""
        return verdict, shown.format(**figures) + failed
    except zoo_run.OctetError as failure:
        return "FAIL", str(failure)
    except Exception as failure:  # The checker and ONNX Runtime raise types without a common base.
        return "FAIL", f"{type(failure).__name__}: {str(failure).strip().splitlines()[0]}"
    finally:
        if not arguments.keep:
            target.unlink(missing_ok=True)


def main() -> int:
    arguments = parse_arguments()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    counts = collections.Counter()
    for description in zoo_spec.load_descriptions(arguments.zoo, arguments.only):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            zoo_spec.write_samples(description, arguments.samples, arguments.seed, folder / "samples")
            for mode, form in itertools.product(arguments.modes, arguments.formats):
                verdict, detail = check(arguments, description, mode, form, folder)
                counts[verdict] += 1
                label = f"{verdict:5} {description['name']:24} {mode:7} {form:7}"
                print(label, detail, flush=True)
    print(f"{counts['PASS']} passed, {counts['LAYER']} by layers, {counts['FAIL']} failed")
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
