#!/usr/bin/env python3
"""Times octet beside ONNX Runtime and OpenVINO and prints a Markdown table.

Milliseconds are medians of hot blocks, each form in a process of its own, the blocks in turn; ratios
are medians over rounds of what was measured in one round. "int8" is the best peer's time of any
column over octet's better int8 form, "fp32" the peers' better fp32 over octet's fp32, "gain"
octet's fp32 over its better int8.
"""

import argparse
import math
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models" / "export"))

import forms  # noqa: E402
import numpy as np  # noqa: E402
import rows  # noqa: E402
import runners  # noqa: E402


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zoo", type=pathlib.Path, default="build/zoo", help="folder of exports")
    parser.add_argument("--work", type=pathlib.Path, default="build/peers/forms", help="int8 files")
    parser.add_argument("--octet", type=pathlib.Path, default="build/release/bin/octet")
    parser.add_argument("--remake", action="store_true", help="make octet's int8 files again")
    parser.add_argument("--only", nargs="+", choices=rows.ROWS, default=list(rows.ROWS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6, help="of a block")
    return parser.parse_args()


def measure(arguments, description: dict) -> list:
    """Rounds of milliseconds, one a column; not a number where there is no such form."""
    paths = forms.make_all(arguments, description)
    inputs = arguments.work / description["name"] / "inputs.npz"
    np.savez(inputs, **rows.samples(description, 1)[0])
    started = [
        runners.start(arguments, runtime, paths[file], inputs) for _, runtime, file in forms.COLUMNS
    ]
    rounds = [
        [runner.block(arguments.seconds) if runner else math.nan for runner in started]
        for _ in range(arguments.rounds)
    ]
    for runner in started:
        if runner:
            runner.close()
    return rounds


def columns(test) -> list:
    return [i for i, column in enumerate(forms.COLUMNS) if test(*column)]


def best(times: list, of: list) -> float:
    known = [times[i] for i in of if not math.isnan(times[i])]
    return min(known) if known else math.nan


PEERS = columns(lambda _, runtime, file: runtime != "octet")
PEERS_FP32 = columns(lambda _, runtime, file: runtime != "octet" and file == "fp32")
OWN_FP32 = columns(lambda _, runtime, file: runtime == "octet" and file == "fp32")
OWN_INT8 = columns(lambda _, runtime, file: runtime == "octet" and file != "fp32")
RATIOS = (("int8", PEERS, OWN_INT8), ("fp32", PEERS_FP32, OWN_FP32), ("gain", OWN_FP32, OWN_INT8))


def print_row(cells) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    arguments = parse_arguments()
    if not arguments.octet.is_file():
        sys.exit(f"no program at {arguments.octet}: build it or say --octet PATH")
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    titles = ["model", *(title for title, _, _ in forms.COLUMNS), *(title for title, _, _ in RATIOS)]
    print_row(titles)
    print("|" + "---|" * len(titles))
    all_ratios = []
    for name in arguments.only:
        rounds = measure(arguments, rows.describe(arguments.zoo, name))
        times = [statistics.median(column) for column in zip(*rounds)]
        ratios = [
            statistics.median(best(r, over) / best(r, under) for r in rounds)
            for _, over, under in RATIOS
        ]
        all_ratios.append(ratios)
        cells = ["–" if math.isnan(t) else f"{t:.3g}" for t in times]
        print_row([name, *cells, *(f"{ratio:.2f}×" for ratio in ratios)])
    means = [math.exp(statistics.fmean(map(math.log, column))) for column in zip(*all_ratios)]
    blanks = [""] * len(forms.COLUMNS)
    print_row(["geometric mean", *blanks, *(f"{mean:.2f}×" for mean in means)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
