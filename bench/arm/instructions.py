#!/usr/bin/env python3
"""Instructions that one run of each bundled model executes on ARM64, in float and in int8.

Counted by a plugin of qemu-user (count.c), on one thread: the difference between many runs and a
few, so that loading and compiling the model doesn't count. It is a count, not a time. Needs what
./check --arm builds.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from table import print_table

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "bench-arm"
CPUS = {"cortex-a72": "neon", "cortex-a76": "neondot", "max": "i8mm"}


def run(*command, environment=None):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, env=environment)


def count(cpu, model, sample, seconds, *extra):
    """(instructions, runs) of octet bench, with further options."""
    done = run("qemu-aarch64", "-cpu", cpu, "-plugin", WORK / "count.so", "-L", BUILD / "arm64-sysroot",
               BUILD / "aarch64/bin/octet", "bench", model, "--inputs", sample, "--threads", 1, "--seconds",
               seconds, "--json", *extra)
    report = json.loads(done.stdout)
    if report["isa"] != CPUS[cpu]:
        raise RuntimeError(f"{cpu} ran {report['isa']}")
    return int(re.search(r"instructions: (\d+)", done.stderr).group(1)), report["runs"]


def per_run(cpu, model, sample, seconds, *extra):
    few, few_runs = count(cpu, model, sample, 0, *extra)
    while True:
        many, many_runs = count(cpu, model, sample, seconds, *extra)
        if many_runs >= few_runs + 3:
            return (many - few) / (many_runs - few_runs)
        seconds *= 4


def parse(description):
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of emulated runs of octet for each figure")
    arguments.add_argument("--states", default="16", help="bits of the states of int8 recurrences: 16 or 8")
    arguments.add_argument("--markdown", action="store_true")
    arguments.add_argument("models", nargs="*", help="names; all where none is given")
    return arguments.parse_args()


def prepared(names, states):
    """(float model, static int8 model, calibration samples) of the bundled models of these names; all where none."""
    WORK.mkdir(parents=True, exist_ok=True)
    run("cc", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-o", WORK / "count.so", ROOT / "bench/arm/count.c")
    run(BUILD / "release/bin/octet_demo", "prepare", ROOT / "models", WORK)
    for model in sorted(ROOT.glob("models/*/*.onnx")):
        if names and model.stem not in names:
            continue
        calibration = WORK / f"{model.stem}.calibration"
        quantized = WORK / f"{model.stem}.int8.onnx"
        run(BUILD / "release/bin/octet", "quantize", model, "-o", quantized, "--mode", "static", "--cost-model", "off",
            "--states", states, "--calibration", calibration)
        yield model, quantized, sorted(calibration.glob("*.npz"))


def main():
    options = parse(__doc__)
    rows = [["model, million instructions a run", *(f"{kind}, {isa}" for isa in CPUS.values() for kind in ("fp32", "int8")),
             *(f"int8 / fp32, {isa}" for isa in CPUS.values())]]
    for model, quantized, calibration in prepared(options.models, options.states):
        counts = [[per_run(cpu, m, calibration[0], options.seconds) for m in (model, quantized)] for cpu in CPUS]
        rows.append([model.stem, *(f"{c / 1e6:.2f}" for pair in counts for c in pair),
                     *(f"{pair[1] / pair[0]:.2f}" for pair in counts)])
        print(" ".join(rows[-1]), file=sys.stderr)
    print_table(rows, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
