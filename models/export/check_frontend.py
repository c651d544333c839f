"""Holds front-end graphs against numpy and, with --torch, against torch.stft, torchaudio's mel filters and
its Kaldi fbank.

Every graph runs in ONNX Runtime and in octet on a batch of rows of different length; each row must have the
frames that it has alone, within 1e-3. Exit code 1 if anything differs.

    venv/bin/python check_frontend.py --torch --octet build/release/bin/octet
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

import frontend_graph
from speech_frontend import HOPS, Frontend

TOLERANCE = 1e-3
LENGTHS = (48000, 16000, 9999, 512, 300)


def by_torch(x, f):
    """The same of one row by torch and torchaudio's own code."""
    import torch
    import torchaudio

    x = torch.from_numpy(x)
    if f.kaldi:
        return torchaudio.compliance.kaldi.fbank(
            x[None] * f.scale, num_mel_bins=f.mels, low_freq=f.low, high_freq=f.high, dither=0.0,
            frame_length=1000 * f.window / f.rate, frame_shift=1000 * f.hop / f.rate).numpy()
    spectrum = torch.stft(x, f.fft, f.hop, f.window, torch.hann_window(f.window), center=False, return_complex=True)
    filters = torchaudio.functional.melscale_fbanks(f.fft // 2 + 1, f.low, f.high, f.mels, f.rate,
                                                    mel_scale="slaney" if f.slaney else "htk")
    energies = (spectrum.abs() ** 2).T @ filters
    out = torch.log(torch.clamp(energies, min=f.floor))
    if f.cepstra:
        out = out @ torchaudio.functional.create_dct(f.cepstra, f.mels, "ortho")
    return out.numpy()


def by_onnxruntime(path, inputs):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["features", "feature_lengths"], inputs)


def by_octet(octet):
    def run(path, inputs):
        with tempfile.TemporaryDirectory() as folder:
            np.savez(f"{folder}/in.npz", **inputs)
            subprocess.run([octet, "run", path, "--inputs", f"{folder}/in.npz", "--output-dir", folder], check=True)
            return [np.load(f"{folder}/{name}.npy") for name in ("features", "feature_lengths")]
    return run


def cases():
    mel80 = {"mels": 80, "low": 0.0, "high": 8000.0}
    for hop in HOPS:
        yield f"log-mel 40, hop {hop}", Frontend(hop=hop)
        yield f"log-mel 80 slaney, hop {hop}", Frontend(hop=hop, slaney=True, **mel80)
        yield f"kaldi fbank 80, hop {hop}", Frontend(style="kaldi", hop=hop, mels=80, low=20.0, high=8000.0,
                                                     scale=32768.0, floor=float(np.finfo(np.float32).eps))
    yield "mfcc 13", Frontend(cepstra=13)
    yield "mfcc 20 of 80 slaney", Frontend(cepstra=20, slaney=True, **mel80)


def worst(frontend, runner, path, waveform, oracles):
    """Largest difference over the rows' own frames; infinite where a length is wrong."""
    onnx.save(frontend_graph.build(frontend), path)
    features, counts = runner(path, {"waveform": waveform, "lengths": np.array(LENGTHS, np.int64)})
    out = 0.0
    for row, n, features_of, count in zip(waveform, LENGTHS, features, counts):
        if count != frontend.frames(n):
            return np.inf
        for oracle in oracles if count else ():
            expected = oracle(row[:n], frontend)
            if expected.shape != features_of[:count].shape:
                return np.inf
            out = max(out, np.abs(features_of[:count] - expected).max())
    return out


def utterance_normalised(runner, path, waveform):
    """Largest difference of graphs that normalise each row from numpy's."""
    frontend = Frontend()
    onnx.save(frontend_graph.build(frontend, utterance=True), path)
    features, counts = runner(path, {"waveform": waveform, "lengths": np.array(LENGTHS, np.int64)})
    out = 0.0
    for row, n, features_of, count in zip(waveform, LENGTHS, features, counts):
        if count > 1:
            x = frontend.compute(row[:n])
            x = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
            out = max(out, np.abs(features_of[:count] - x).max())
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--octet", help="the binary; without it only ONNX Runtime runs")
    ap.add_argument("--torch", action="store_true", help="compare with torch and torchaudio, too")
    args = ap.parse_args()
    oracles = [lambda x, frontend: frontend.compute(x)] + ([by_torch] if args.torch else [])
    runners = {"onnxruntime": by_onnxruntime}
    if args.octet:
        runners["octet"] = by_octet(args.octet)
    rng = np.random.default_rng(1)
    waveform = np.zeros((len(LENGTHS), max(LENGTHS)), np.float32)
    for row, n in zip(waveform, LENGTHS):
        t = np.arange(n) / 16000
        row[:n] = 0.05 * rng.standard_normal(n) + 0.3 * np.sin(2 * np.pi * rng.uniform(100, 3000) * t) + 0.01
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "features.onnx"
        for name, runner in runners.items():
            results = {title: worst(frontend, runner, path, waveform, oracles) for title, frontend in cases()}
            results["log-mel 40, each row normalised"] = utterance_normalised(runner, path, waveform)
            for title, error in results.items():
                failed += not error <= TOLERANCE
                print(f"{name:12} {title:32} {error:.2e}{'' if error <= TOLERANCE else '  FAILED'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
