"""Runs a model with ONNX Runtime on one thread: MODEL SAMPLE.npz RUNS. For instructions.py, in an
arm64 Python under emulation."""
import sys

import numpy as np
import onnxruntime


def main():
    model, sample, runs = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    inputs = dict(np.load(sample))
    for _ in range(int(runs)):
        session.run(None, inputs)


main()
