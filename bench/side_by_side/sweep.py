"""Other engines over a sweep: rows as `octet report --peers` takes them."""

import math

import numpy as np
import runners

# By what the rows call it: the runtime that runs it, and which of forms.make_all's files.
ENGINES = {
    "ONNX Runtime, fp32": ("onnxruntime", "fp32"),
    "ONNX Runtime, its static int8": ("onnxruntime", "ort_static"),
    "OpenVINO, fp32": ("openvino", "fp32"),
    "OpenVINO, NNCF's int8": ("openvino", "nncf"),
}


def rows(arguments, paths: dict, points: list, folder) -> list:
    """Rows of each engine that can run its file, at points of (sweep, value, inputs by name). `paths`: files by
    form, exceptions where there is none."""
    made = []
    for engine, (runtime, form) in ENGINES.items():
        for sweep, value, inputs in points:
            np.savez(folder / "peer.npz", **inputs)
            runner = runners.start(arguments, runtime, paths[form], folder / "peer.npz")
            if runner is None:
                break
            times = [runner.block(arguments.seconds) for _ in range(arguments.rounds)]
            runner.close()
            row = {"engine": engine, "model": paths["fp32"].stem, "threads": arguments.threads}
            row |= {"sweep": sweep, "value": value, "at": f"{sweep}={value}", "p50_ms": min(times)}
            if not math.isnan(row["p50_ms"]):
                made.append(row)
    return made
