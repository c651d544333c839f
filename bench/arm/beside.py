#!/usr/bin/env python3
"""Instructions that one run of each bundled model executes on ARM64: octet with its own kernels and
with XNNPACK's, and ONNX Runtime's wheel, in float and in int8.

Counted as instructions.py counts, on one thread. ONNX Runtime's int8 file is the one of its own
tools (dynamic or static) that takes fewer instructions. Needs what ./check --arm builds, and a Python
that has onnxruntime and models/export/requirements.txt for those tools.
"""
import os
import re
import sys

import instructions
import numpy as np
from instructions import BUILD, ROOT, WORK, run
from table import print_table

sys.path.insert(0, str(ROOT / "models/export"))
import bundled  # noqa: E402
import onnxruntime_forms  # noqa: E402

PEER = BUILD / "arm64-python"
PEER_RUNS = 10
# /proc/cpuinfo of the emulated machine: the wheel ends in a segmentation fault on that of x86-64.
PARTS = {"cortex-a72": "0xd08", "cortex-a76": "0xd0b"}
CORE = """processor	: {}
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: {}
CPU revision	: 1

"""


def peer_counts(cpu, jobs):
    """Instructions of one run of each job (model, sample, runs), in one process: Python starts slowly."""
    cores = "".join(CORE.format(i, PARTS[cpu]) for i in range(os.cpu_count()))
    (PEER / "proc/cpuinfo").write_text(cores)
    environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONHOME=str(PEER / "usr"), PYTHONPATH=str(PEER / "site"), OPENBLAS_NUM_THREADS="1")
    done = run("qemu-aarch64", "-cpu", cpu, "-plugin", WORK / "count.so", "-L", PEER, PEER / "usr/bin/python3.11",
               ROOT / "bench/arm/peer.py", *(part for job in jobs for part in job), environment=environment)
    counts = [int(count) for count in re.findall(r"instructions: (\d+)", done.stderr)]
    return [(after - before) / runs for before, after, (_, _, runs) in zip(counts[::2], counts[1::2], jobs)]


def peer_forms(model, calibration):
    samples = [bundled.Sample(dict(np.load(path)), None) for path in calibration[:8]]
    for form in ("dynamic", "static"):
        folder = WORK / f"{model.stem}.onnxruntime.{form}"
        folder.mkdir(exist_ok=True)
        target = folder / f"onnxruntime.{form}.onnx"
        if not target.exists():
            onnxruntime_forms.make(form, model, {"states": {}}, samples, folder)
        yield target


def main():
    options = instructions.parse(__doc__)
    run(ROOT / "bench/arm/peer-root.sh", PEER)
    rows = [["model, million instructions a run", "CPU", "octet fp32", "octet fp32, XNNPACK", "ORT fp32", "octet int8",
             "ORT int8", "octet / ORT, fp32", "int8"]]
    models = []
    for model, quantized, calibration in instructions.prepared(options.models, options.states):
        models.append((model, quantized, calibration[0], list(peer_forms(model, calibration))))
    for cpu in PARTS:
        jobs = [(form, sample, PEER_RUNS) for model, _, sample, forms in models for form in (model, *forms)]
        theirs = {form: count for (form, _, _), count in zip(jobs, peer_counts(cpu, jobs))}
        for model, quantized, sample, forms in models:
            ours, with_xnnpack, ours_int8 = (
                instructions.per_run(cpu, m, sample, options.seconds, *extra)
                for m, extra in ((model, ()), (model, ("--provider", "xnnpack")), (quantized, ())))
            theirs_int8, form = min((theirs[path], path.parent.suffix[1:]) for path in forms)
            rows.append([model.stem, cpu, *(f"{c / 1e6:.2f}" for c in (ours, with_xnnpack, theirs[model], ours_int8)),
                         f"{theirs_int8 / 1e6:.2f} ({form})", f"{ours / theirs[model]:.2f}",
                         f"{ours_int8 / theirs_int8:.2f}"])
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    print_table(rows, options.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
