#!/usr/bin/env python3
"""Proves one form of a bundled model against other software: onnx.checker takes the file in full,
ONNX Runtime runs it as it does by default, and every layer, given ONNX Runtime's inputs, gives ONNX
Runtime's results: to a quantization step, recurrent layers to 1e-3 of their range, outputs of float
arithmetic to 1e-4 of theirs (zoo_layers.py). A dynamic form gives these without its hint of a scale a
row; with it products stay within the hint's bound (zoo_hints.py). Exit 1 and the reason where one of
these doesn't hold.

    python interop.py --octet PROGRAM --models FOLDER MODEL FORM
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models" / "export"))
import bundled
import zoo_hints
import zoo_layers
import zoo_run
import zoo_spec

STATIC = ("--mode", "static", "--cost-model", "off")
OPTIONS = {
    "fp32": ("--mode", "dynamic"),
    "static_qdq": (*STATIC, "--format", "qdq"),
    "static_integer": (*STATIC, "--format", "integer"),
    "dynamic": ("--mode", "dynamic"),
    "int4": ("--mode", "int4"),
    "fp16": ("--mode", "fp16"),
}
CALIBRATED = ("static_qdq", "static_integer", "int4")
IN_FLOAT = ("fp32", "int4", "fp16")
# Steps in the range of an output or a float product.
QUANTIZED_STEPS, FLOAT_STEPS = 255, 10000
SAMPLES = 8  # Of the calibration.


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--octet", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the models/ folder")
    parser.add_argument("model")
    parser.add_argument("form", choices=OPTIONS)
    parser.set_defaults(threads=1, provider="native", timeout=300, ort_optimizations="none")
    return parser.parse_args()


def calibration(arguments, facts: dict) -> list:
    """The inputs of some samples, states and all; the longest and the shortest come in anyway."""
    samples = bundled.read_set(facts, arguments.models, "calibration")
    samples.sort(key=lambda sample: next(iter(sample.inputs.values())).size)
    chosen = [samples[i * (len(samples) - 1) // (SAMPLES - 1)] for i in range(SAMPLES)]
    return [{**sample.inputs, **bundled.first_states(facts)} for sample in chosen]


def quantize(arguments, samples: list, folder: pathlib.Path) -> tuple:
    """(the float model, the file that octet writes)."""
    source = arguments.models / arguments.model / f"{arguments.model}.onnx"
    target, report = folder / "written.onnx", folder / "report.json"
    words = ["quantize", source, "-o", target, "--report", report, *OPTIONS[arguments.form]]
    if arguments.form in CALIBRATED:
        for number, inputs in enumerate(samples):
            np.savez(folder / f"sample{number}.npz", **inputs)
        words += ["--calibration", folder]
    zoo_run.call_octet(arguments, *words)
    if arguments.form == "fp32":
        nodes = [node["node"] for node in json.loads(report.read_text())["nodes"]]
        zoo_run.call_octet(arguments, *words, *(w for node in nodes for w in ("--exclude", node)))
        left = {node["outcome"] for node in json.loads(report.read_text())["nodes"]}
        if left != {"float"}:
            raise AssertionError(f"nodes that --exclude named became {left}")
    return source, target


def run_by_default(model: pathlib.Path, arguments, inputs: dict) -> list:
    """ONNX Runtime's outputs with all optimizations; fails on what isn't finite."""
    optimized = argparse.Namespace(**{**vars(arguments), "ort_optimizations": "all"})
    outputs = zoo_run.open_reference(optimized, model).run(None, inputs)
    if not all(np.isfinite(output).all() for output in outputs):
        raise AssertionError(f"{model.name}: outputs that aren't finite in ONNX Runtime")
    return outputs


def largest_step(arguments, target: pathlib.Path, inputs: dict, folder: pathlib.Path) -> tuple:
    """(steps, layer, how many layers) of the one that is furthest from ONNX Runtime's."""
    products = FLOAT_STEPS if arguments.form in IN_FLOAT else 0
    nodes = onnx.load(target).graph.node
    recurrent = any(node.op_type in zoo_layers.RECURRENT_NODES for node in nodes)
    steps = zoo_layers.RECURRENT_STEPS if recurrent else products or QUANTIZED_STEPS
    rows = zoo_layers.compare_layers(arguments, target, inputs, folder, steps, products)
    return (*rows[0], len(rows))


def main() -> int:
    arguments = parse_arguments()
    facts = bundled.read_facts(arguments.models, arguments.model)
    samples = calibration(arguments, facts)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source, target = quantize(arguments, samples, folder)
        onnx.checker.check_model(str(target), full_check=True)
        plain = zoo_hints.plain_file(target, folder)
        for inputs in (samples[0], samples[-1]):
            written = run_by_default(target, arguments, inputs)
            steps, layer, count = largest_step(arguments, plain, inputs, folder)
            print(f"{count} layers, at most {steps:.3f} steps apart ({layer})")
            if not steps <= 1:
                print("more than one step")
                return 1
            if plain != target:
                rows = zoo_hints.compare(arguments, target, inputs, folder)
                share = max((row[0] for row in rows), default=0.0)
                print(f"{len(rows)} products, the hint at most {share:.3f} of its bound")
                if not share <= 1 + zoo_hints.SLACK:
                    return 1
            if arguments.form == "fp32":
                original = run_by_default(source, arguments, inputs)
                apart = max(map(zoo_spec.relative_error, written, original))
                print(f"{apart:.1e} from the original's outputs")
                if not apart <= 1e-5:
                    return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
