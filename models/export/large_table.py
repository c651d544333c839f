"""Prints docs/speech.md's table of the large bundles: latencies of encoders over feature frames and of steps of
decoders and language models, octet beside ONNX Runtime on the same files, one thread.

    python3 large_table.py --octet PROGRAM --pair W/large/conformer W/large8/conformer [--frames 100 300 1000 3000]

A step is one of 8 hypotheses with 20 tokens behind them, over the encoder frames that the feature frames give.
Each figure is the median of runs of about `--seconds`, the four by turns.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime

HYPOTHESES, PAST = 8, 20
STEPS = ("lm", "decoder", "translation_decoder")


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def draw(rng, port, names):
    """An input of a port whose free dims are `names`' or by their place."""
    shape = [d if isinstance(d, int) else names[d] for d in port.shape]
    if port.type == "tensor(int64)":
        return np.full(shape, names[port.name], np.int64) if port.name in names else np.arange(*shape) % 4
    return rng.normal(0, 0.5, shape).astype(np.float32)


def inputs(part, ports, frames):
    encoded = (frames + 3) // 4
    names = {"batch": 1, "rows": 1, "frames": frames, "lengths": frames, "steps": encoded, "beam": HYPOTHESES,
             "hypotheses": HYPOTHESES, "past": PAST, "encoded_steps": encoded, "bridged_steps": PAST + 1,
             "memory_lengths": encoded, "bridged_lengths": PAST + 1}
    rng = np.random.default_rng(1)
    return {port.name: draw(rng, port, names) for port in ports}


def median_of(model, feed, seconds):
    model.run(None, feed)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        begin = time.perf_counter()
        model.run(None, feed)
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times))


def octet_ms(args, path, npz):
    words = [args.octet, "bench", path, "--inputs", npz, "--threads", "1", "--seconds", str(args.seconds), "--json"]
    printed = json.loads(subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE).stdout)
    return (printed[0] if isinstance(printed, list) else printed)["p50_ms"]


def row(args, part, frames, pair):
    sessions = [session(folder / f"{part}.onnx") for folder in pair]
    feed = inputs(part, sessions[0].get_inputs(), frames)
    with tempfile.TemporaryDirectory() as folder:
        npz = pathlib.Path(folder) / "inputs.npz"
        np.savez(npz, **feed)
        ours = [octet_ms(args, side / f"{part}.onnx", npz) for side in pair]
    theirs = [median_of(each, feed, args.seconds) for each in sessions]
    return [f"{value:.2f}" for value in (ours[0], theirs[0], ours[1], theirs[1])] + [f"{ours[0] / ours[1]:.2f}×"]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--octet", required=True)
    ap.add_argument("--pair", type=pathlib.Path, nargs=2, required=True, metavar=("FLOAT", "INT8"))
    ap.add_argument("--frames", type=int, nargs="+", default=[100, 300, 1000, 3000])
    ap.add_argument("--parts", nargs="+", default=["encoder", *STEPS])
    ap.add_argument("--seconds", type=float, default=0.5)
    args = ap.parse_args()
    for part in args.parts:
        if not (args.pair[1] / f"{part}.onnx").exists():
            continue
        sizes = [(folder / f"{part}.onnx").stat().st_size / 1e6 for folder in args.pair]
        for frames in args.frames if part != "lm" else args.frames[:1]:
            cells = [args.pair[0].name, part, f"{sizes[0]:.1f} → {sizes[1]:.1f}", "" if part == "lm" else frames]
            print("| " + " | ".join(map(str, [*cells, *row(args, part, frames, args.pair)])) + " |", flush=True)


if __name__ == "__main__":
    main()
