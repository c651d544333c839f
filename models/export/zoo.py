#!/usr/bin/env python3
"""Exports the zoo: models of many kinds with random seeded weights, as ONNX files.

Each goes to OUT/NAME.onnx with OUT/NAME.json beside it, which gives the inputs, three shape sets
for tests, how to fill the inputs, and the settings. Each export is compared with PyTorch in ONNX
Runtime at its three shapes. The environment: models/export/zoo_setup.sh.
"""

import argparse
import json
import pathlib
import sys
import warnings
from typing import Optional

import onnxruntime
import torch
import zoo_conformer
import zoo_dense
import zoo_recurrent
import zoo_spec
import zoo_text
import zoo_vision
from torch.onnx import TrainingMode
from torch.onnx.errors import OnnxExporterError

FAMILIES = (zoo_dense, zoo_recurrent, zoo_vision, zoo_conformer, zoo_text)
TOLERANCE = 1e-4


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default="build/zoo", help="output folder")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="export only these")
    parser.add_argument("--opset", type=int, help="export all at this opset, at most 17")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    return parser.parse_args()


def export(entry: zoo_spec.Entry, opset: int, path: pathlib.Path) -> torch.nn.Module:
    torch.manual_seed(entry.seed)
    model = entry.build()
    description = entry.describe(opset)
    ports = (*entry.inputs, *entry.outputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            tuple(as_tensors(description, 0)),
            str(path),
            opset_version=opset,
            training=(TrainingMode.PRESERVE if entry.keep_batch_norm else TrainingMode.EVAL),
            input_names=[p.name for p in entry.inputs],
            output_names=[p.name for p in entry.outputs],
            dynamic_axes={p.name: dynamic(p) for p in ports if dynamic(p)},
        )
    path.with_suffix(".json").write_text(json.dumps(description, indent=1) + "\n")
    return model


def dynamic(port: zoo_spec.Port) -> dict:
    return {axis: name for axis, name in enumerate(port.dims) if isinstance(name, str)}


def as_tensors(description: dict, shape_index: int) -> list:
    arrays = zoo_spec.make_inputs(description, shape_index, seed=0)
    return [torch.from_numpy(a) for a in arrays.values()]


def worst_error(entry: zoo_spec.Entry, opset: int, model, path: pathlib.Path) -> float:
    """The largest relative error of ONNX Runtime against PyTorch over outputs and shapes."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    description = entry.describe(opset)
    worst = 0.0
    for index in range(len(description["shapes"])):
        expected = model(*as_tensors(description, index))
        expected = expected if isinstance(expected, tuple) else (expected,)
        actual = session.run(None, zoo_spec.make_inputs(description, index, seed=0))
        for got, want in zip(actual, expected):
            worst = max(worst, zoo_spec.relative_error(got, want.numpy()))
    return worst


def make(entry: zoo_spec.Entry, opset: Optional[int], folder: pathlib.Path) -> bool:
    """Exports and checks one model, prints its row and gives whether it is right."""
    opset = opset or entry.opset
    path = folder / f"{entry.name}.onnx"
    label = f"{entry.name:28} opset {opset:2}"
    try:
        model = export(entry, opset, path)
    except OnnxExporterError as failure:
        print(f"{label} FAIL: {str(failure).splitlines()[0]}", flush=True)
        return False
    error = worst_error(entry, opset, model, path)
    verdict = "ok" if error <= TOLERANCE else "FAIL"
    size = path.stat().st_size / 1e6
    print(f"{label} {size:8.1f} MB  error {error:.1e}  {verdict}", flush=True)
    return error <= TOLERANCE


def main() -> int:
    arguments = parse_arguments()
    torch.set_grad_enabled(False)
    entries = {e.name: e for family in FAMILIES for e in family.entries()}
    unknown = [name for name in arguments.only if name not in entries]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; --list prints the names")
    if arguments.list:
        print("\n".join(entries))
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = arguments.only or entries
    passed = [make(entries[name], arguments.opset, arguments.out) for name in names]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
