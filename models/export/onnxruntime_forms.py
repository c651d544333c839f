"""What ONNX Runtime's own tools make of a model, and how fast it runs there."""

import contextlib
import io
import logging
import pathlib
import time

import bundled
import numpy as np
import onnx
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization import matmul_nbits_quantizer, shape_inference
from onnxruntime.transformers import float16

BLOCK = 64  # Of 4-bit weights, as octet's default.


class Samples(quantization.CalibrationDataReader):
    def __init__(self, samples):
        self.rest = iter(samples)

    def get_next(self):
        return next(self.rest, None)


def has_half_recurrence(graph) -> bool:
    halfs = any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.initializer)
    return halfs and any(node.op_type == "LSTM" for node in graph.node)


def open_session(path):
    """All optimizations; not the last ones of a binary16 LSTM, which end in a segmentation fault (1.31.1)."""
    options = onnxruntime.SessionOptions()
    if has_half_recurrence(onnx.load(path).graph):
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def runner(session):
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs)))


def dynamic(prepared, target, facts, samples):
    """8-bit weights; unsigned where the model has convolutions: there are no kernels for signed ones."""
    nodes = onnx.load(prepared).graph.node
    kind = "QUInt8" if any(node.op_type == "Conv" for node in nodes) else "QInt8"
    quantization.quantize_dynamic(prepared, target, weight_type=quantization.QuantType[kind])


def static(prepared, target, facts, samples):
    """QDQ, u8 activations by minimum and maximum, s8 weights by output channel."""
    run = runner(open_session(prepared))
    inputs = (inputs for inputs, _ in bundled.with_states(facts, samples, run))
    quantization.quantize_static(
        prepared,
        target,
        Samples(inputs),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def int4(prepared, target, facts, samples):
    quantizer = matmul_nbits_quantizer.MatMulNBitsQuantizer(
        onnx.load(prepared), bits=4, block_size=BLOCK, is_symmetric=True
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(target))


def fp16(prepared, target, facts, samples):
    onnx.save(float16.convert_float_to_float16(onnx.load(prepared), keep_io_types=True), target)


MAKERS = {"dynamic": dynamic, "static": static, "int4": int4, "fp16": fp16}


def prepare(source, prepared):
    """What the quantizer asks for beforehand: shapes and folding; symbolic shapes only where it can."""
    try:
        shape_inference.quant_pre_process(str(source), str(prepared))
    except Exception:  # It raises no narrower type: "Incomplete symbolic shape inference".
        shape_inference.quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)


def make(form: str, source, facts, samples, folder: pathlib.Path) -> pathlib.Path:
    """The model at an absolute path in this form, in the folder, where the tools leave other files, too."""
    prepared, target = folder / "prepared.onnx", folder / f"onnxruntime.{form}.onnx"
    logging.disable(logging.WARNING)
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        prepare(source, prepared)
        MAKERS[form](prepared, target, facts, samples)
    return target


def median(session, inputs: dict, seconds: float) -> float:
    """Milliseconds of a run; inputs and outputs stay where they are."""
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_cpu_input(name, array)
    for output in session.get_outputs():
        binding.bind_output(output.name)
    session.run_with_iobinding(binding)
    times, until = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < until:
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))
