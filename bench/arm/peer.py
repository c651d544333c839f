"""Runs models with ONNX Runtime on one thread: MODEL SAMPLE.npz RUNS, and so on. For beside.py, in an
arm64 Python under emulation: count.c prints a count before and after each model's runs."""
import os
import sys

import numpy as np
import onnxruntime


def main():
    arguments = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for model, sample, runs in zip(arguments[::3], arguments[1::3], arguments[2::3]):
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        inputs = dict(np.load(sample))
        session.run(None, inputs)
        os.getppid()
        for _ in range(int(runs)):
            session.run(None, inputs)
        os.getppid()


main()
