"""One model in one runtime, in a process of its own.

Arguments: runtime, model, inputs.npz, threads. Answers each line of seconds on stdin with the median
milliseconds of a run over so long a block, after a tenth of it to get warm. Says "ready" first.
"""

import sys
import time

import numpy as np


def onnxruntime_run(path: str, inputs: dict, threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    known = {value.name for value in session.get_inputs()}
    for name, array in inputs.items():
        if name in known:
            binding.bind_cpu_input(name, array)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    return lambda: session.run_with_iobinding(binding)


def openvino_run(path: str, inputs: dict, threads: int):
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # Else bfloat16 where the machine has it.
    }
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape({name: list(inputs[name].shape) for name in inputs if has_input(model, name)})
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    for name, array in inputs.items():
        if has_input(model, name):
            request.set_tensor(name, openvino.Tensor(array))
    return request.infer


def has_input(model, name: str) -> bool:
    return any(name in port.get_names() for port in model.inputs)


RUNTIMES = {"onnxruntime": onnxruntime_run, "openvino": openvino_run}


def median(run, seconds: float) -> float:
    times = []
    warm = time.perf_counter() + seconds / 10
    while time.perf_counter() < warm:
        run()
    until = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def main() -> None:
    runtime, path, inputs, threads = sys.argv[1:]
    with np.load(inputs) as arrays:
        run = RUNTIMES[runtime](path, dict(arrays), int(threads))
    run()
    print("ready", flush=True)
    for line in sys.stdin:
        print(median(run, float(line)), flush=True)


if __name__ == "__main__":
    main()
