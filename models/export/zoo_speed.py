#!/usr/bin/env python3
"""Quantizes every export of the zoo as octet does by default and times both forms, small ones first.

Prints a row for each, as Markdown: milliseconds of a run on one thread in float and in int8, as
octet's report has them (the sum of the shortest time of each step, both forms by turns, over the
sample of middle size); float over int8; the same of whole runs at the first shape set, the median
over neighbouring blocks of their medians; multiply-accumulates in int8 (nodes, where
shapes that depend on data keep them from being counted); those left in float, by the report's
reasons; the size of the file.

Exit 1 when a model is slower than in float, when more than a tenth of the multiply-accumulates stay
in float though nothing measured says that this is faster, or when octet fails. Other work on the
machine makes times of whole runs uncertain: a ratio down to --slack still passes.
"""

import argparse
import collections
import json
import pathlib
import statistics
import sys
import tempfile

import numpy as np
import zoo_run
import zoo_spec

MOST_IN_FLOAT = 0.1
PROOF = "faster"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    zoo_run.add_program_arguments(parser)
    parser.add_argument("--samples", type=int, default=4, help="of the calibration (default: 4)")
    parser.add_argument("--blocks", type=int, default=7, help="of each form (default: 7)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a block (default: 0.5)")
    parser.add_argument("--slack", type=float, default=0.97, help="least ratio (default: 0.97)")
    parser.add_argument("--reports", type=pathlib.Path, metavar="DIR", help="keep the reports here")
    return zoo_run.parse_arguments(parser)


def quantize(arguments, description: dict, folder: pathlib.Path) -> tuple:
    """The quantized model's path, and octet's report."""
    target, report = folder / "int8.onnx", folder / "report.json"
    if arguments.reports:
        report = arguments.reports / f"{description['name']}.json"
    samples = folder / "samples"
    zoo_spec.write_samples(description, arguments.samples, arguments.seed, samples)
    source = arguments.zoo / description["model"]
    words = ["--mode", "static", "--calibration", samples, "--report", report]
    zoo_run.call_octet(arguments, "quantize", source, "-o", target, *words)
    return target, json.loads(report.read_text())


def whole_runs(arguments, description: dict, target: pathlib.Path, folder: pathlib.Path) -> float:
    """Time of a run in float over that in int8."""
    inputs = folder / "inputs.npz"
    np.savez(inputs, **zoo_spec.make_inputs(description, 0, arguments.seed))
    turns = [arguments.zoo / description["model"], target] * arguments.blocks
    words = ["--threads", arguments.threads, "--seconds", arguments.seconds, "--json"]
    rows = json.loads(zoo_run.call_octet(arguments, "bench", *turns, "--inputs", inputs, *words))
    times = [row["p50_ms"] for row in rows]
    return statistics.median(real / codes for real, codes in zip(times[::2], times[1::2]))


def work_of(report: dict, node: dict) -> int:
    """Multiply-accumulates; 1 where shapes depend on data, so that nobody could count them."""
    return node["macs"] if report["macs"] else 1


def left_in_float(report: dict) -> dict:
    """(work, nodes) that stay in float, by reason without its figures."""
    left = collections.defaultdict(lambda: [0, 0])
    for node in report["nodes"]:
        if node["outcome"] == "float" and work_of(report, node):
            row = left[node["reason"].split(":")[0]]
            row[0] += work_of(report, node)
            row[1] += 1
    return left


def show_left(left: dict, work: int) -> str:
    parts = (f"{w / work:.1%} {reason} ({n})" for reason, (w, n) in sorted(left.items()))
    return ", ".join(parts) or "none"


def misses(arguments, ratio: float, left: dict, work: int) -> list:
    unproven = sum(w for reason, (w, _) in left.items() if reason != PROOF)
    said = []
    if ratio < arguments.slack:
        said.append(f"slower: {ratio:.2f}×")
    if unproven > MOST_IN_FLOAT * work:
        said.append(f"{unproven / work:.1%} of the work in float without a proof")
    return said


def check(arguments, description: dict, folder: pathlib.Path) -> tuple:
    """(row, what it misses) of one export."""
    target, report = quantize(arguments, description, folder)
    ratio = whole_runs(arguments, description, target, folder)
    real, codes = report["float_us"] / 1e3, report["quantized_us"] / 1e3
    work, left = sum(work_of(report, node) for node in report["nodes"]), left_in_float(report)
    integer = sum(work_of(report, n) for n in report["nodes"] if n["outcome"] == "int8")
    shapes = zoo_run.show_shapes(description["shapes"][0])
    size = target.stat().st_size / (arguments.zoo / description["model"]).stat().st_size
    cells = [description["name"], shapes, f"{real:.3g}", f"{codes:.3g}"]
    cells += [f"{real / codes:.2f}×", f"{ratio:.2f}×"]
    in_int8 = f"{integer / work:.1%}" + ("" if report["macs"] else " of nodes")
    return cells + [in_int8, show_left(left, work), f"{size:.1%}"], misses(arguments, ratio, left, work)


def print_row(cells: list) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    arguments = parse_arguments()
    if arguments.reports:
        arguments.reports.mkdir(parents=True, exist_ok=True)
    descriptions = zoo_spec.load_descriptions(arguments.zoo, arguments.only)
    descriptions.sort(key=lambda d: (arguments.zoo / d["model"]).stat().st_size)
    print_row(["model", "inputs", "fp32 ms", "int8 ms", "faster", "whole runs"]
              + ["MACs in int8", "MACs in float (nodes)", "size"])  # fmt: skip
    print("|" + "---|" * 9, flush=True)
    missed = []
    for description in descriptions:
        with tempfile.TemporaryDirectory() as name:
            try:
                cells, said = check(arguments, description, pathlib.Path(name))
                print_row(cells)
            except zoo_run.OctetError as failure:
                said = [str(failure)]
        missed += [f"{description['name']}: {each}" for each in said]
    print("\n" + "\n".join(missed or ["Nothing is slower, nothing stays in float without a proof."]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
