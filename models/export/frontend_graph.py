"""Writes a speech front end as an ONNX graph (opset 17: STFT, window and mel matrix as constants).

waveform float [B, samples] in [-1, 1] with zeros behind shorter rows, lengths int64 [B] in samples ->
features float [B, T, width], feature_lengths int64 [B]. Frames are not centred: frame t covers samples
[hop t, hop t + span), so a stream may be fed in pieces that overlap by span - hop samples, and a padded row
has the frames that it has alone. A row shorter than span has no frame (T is 1 at least).

    python3 frontend_graph.py --hop 200 --normalise utterance --out features.onnx
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from speech_frontend import HOPS, Frontend

OPSET = 17
PREEMPHASIS = 0.97


class Writer:
    """Nodes and constants of a graph, by the order of their making."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def constant(self, value, dtype=np.float32, name=None):
        array = np.asarray(value, dtype)
        name = name or f"constant.{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def integers(self, *values):
        return self.constant(values, np.int64)

    def add(self, op, *inputs, name=None, **attributes):
        name = name or f"{op.lower()}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name="/" + name, **attributes))
        return name

    def model(self, name, inputs, outputs):
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def padded(w, row, count, front=False):
    """Zeros of an extent [1] behind each row, or in front of it."""
    batch = w.add("Slice", w.add("Shape", row), w.integers(0), w.integers(1))
    zeros = w.add("ConstantOfShape", w.add("Concat", batch, count, axis=0))
    return w.add("Concat", *((zeros, row) if front else (row, zeros)), axis=1)


def extended(w, waveform, frontend):
    """The waveform, scaled, with a frame's samples at least."""
    samples = w.add("Slice", w.add("Shape", waveform), w.integers(1), w.integers(2))
    missing = w.add("Max", w.add("Sub", w.integers(frontend.span), samples), w.integers(0))
    row = padded(w, waveform, missing)
    return row if frontend.scale == 1 else w.add("Mul", row, w.constant(frontend.scale))


def spectrum(w, row, frontend):
    """[B, T, fft / 2 + 1, 2] of the row's frames."""
    signal = row
    if frontend.kaldi:
        before = w.add("Slice", row, w.integers(0), w.integers(-1), w.integers(1))
        before = padded(w, before, w.integers(1), front=True)
        signal = w.add("Sub", row, w.add("Mul", before, w.constant(PREEMPHASIS)))
        signal = padded(w, signal, w.integers(frontend.fft - frontend.window))
    signal = w.add("Unsqueeze", signal, w.integers(2))
    out = w.add("STFT", signal, w.constant(frontend.hop, np.int64), w.constant(frontend.taper(), name="window"),
                w.constant(frontend.fft, np.int64), onesided=1)
    if not frontend.kaldi:
        return out
    # A frame's mean m passes pre-emphasis as (1 - 0.97) m; the Povey window is zero where it wouldn't.
    mean = w.add("AveragePool", w.add("Unsqueeze", row, w.integers(1)), kernel_shape=[frontend.window],
                 strides=[frontend.hop])
    mean = w.add("Unsqueeze", w.add("Transpose", mean, perm=[0, 2, 1]), w.integers(3))
    window = np.fft.rfft(frontend.taper().astype(np.float64))
    leak = (1 - PREEMPHASIS) * np.stack([window.real, window.imag], -1)
    return w.add("Sub", out, w.add("Mul", mean, w.constant(leak)))


def by_utterance(w, x, lengths):
    """Mean 0 and deviation 1 over a row's own frames."""
    count = w.add("Slice", w.add("Shape", x), w.integers(1), w.integers(2))
    frames = w.add("Range", w.constant(0, np.int64), w.add("Squeeze", count), w.constant(1, np.int64))
    keep = w.add("Cast", w.add("Less", frames, w.add("Unsqueeze", lengths, w.integers(1))), to=TensorProto.FLOAT)
    keep = w.add("Unsqueeze", keep, w.integers(2))
    number = w.add("Max", w.add("Cast", lengths, to=TensorProto.FLOAT), w.constant(1.0))
    number = w.add("Unsqueeze", number, w.integers(1, 2))
    sums = w.add("ReduceSum", w.add("Mul", x, keep), w.integers(1))
    x = w.add("Mul", w.add("Sub", x, w.add("Div", sums, number)), keep)
    variance = w.add("Div", w.add("ReduceSum", w.add("Mul", x, x), w.integers(1)), number)
    return w.add("Div", x, w.add("Sqrt", w.add("Add", variance, w.constant(1e-5))))


def build(frontend, mean=None, inverse_deviation=None, utterance=False):
    """mean and inverse_deviation [width] normalise globally; `utterance` each row by itself."""
    w = Writer()
    row = extended(w, "waveform", frontend)
    parts = w.add("Reshape", spectrum(w, row, frontend), w.integers(0, 0, frontend.fft + 2))
    # Each bin's row twice: the squares of real and imaginary parts are summed within the product.
    filters = w.constant(np.repeat(frontend.filters(), 2, 0), name="mel")
    energy = w.add("MatMul", w.add("Mul", parts, parts), filters)
    x = w.add("Log", w.add("Max", energy, w.constant(frontend.floor)))
    if frontend.cepstra:
        x = w.add("MatMul", x, w.constant(frontend.cosines(), name="cosines"))
    over = w.add("Add", "lengths", w.integers(frontend.hop - frontend.span))
    w.add("Div", w.add("Max", over, w.integers(0)), w.integers(frontend.hop), name="feature_lengths")
    if utterance:
        x = by_utterance(w, x, "feature_lengths")
    if mean is not None:
        x = w.add("Mul", w.add("Sub", x, w.constant(mean)), w.constant(inverse_deviation))
    w.add("Identity", x, name="features")
    value = helper.make_tensor_value_info
    return w.model("features", [value("waveform", TensorProto.FLOAT, ["batch", "samples"]),
                                value("lengths", TensorProto.INT64, ["batch"])],
                   [value("features", TensorProto.FLOAT, ["batch", "frames", frontend.width]),
                    value("feature_lengths", TensorProto.INT64, ["batch"])])


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--style", choices=["librosa", "kaldi"], default="librosa")
    ap.add_argument("--hop", type=int, choices=HOPS, default=160)
    ap.add_argument("--mels", type=int, default=40)
    ap.add_argument("--low", type=float, default=60.0)
    ap.add_argument("--high", type=float, default=3900.0)
    ap.add_argument("--slaney", action="store_true", help="Slaney's mel scale")
    ap.add_argument("--scale", type=float, default=1.0, help="of the samples: 32768 gives Kaldi's values")
    ap.add_argument("--floor", type=float, default=1e-6)
    ap.add_argument("--cepstra", type=int, default=0, help="that many cepstral coefficients in place of mels")
    ap.add_argument("--normalise", choices=["no", "utterance"], default="no")
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    options = {k: v for k, v in vars(args).items() if k not in ("normalise", "out")}
    onnx.save(build(Frontend(**options), utterance=args.normalise == "utterance"), args.out)


if __name__ == "__main__":
    main()
