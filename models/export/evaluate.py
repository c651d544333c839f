"""Runs an exported model in ONNX Runtime on its bundled set, and on recordings kept out of training.

Writes "expected" (the bundled set) and "real" (with --real-data) into the model's model.json.
"""
import argparse
import json
import os

import numpy as np
import onnxruntime

import ctc
import images
import make_speech_checks
import speech_data


def classify(session, pixels, labels):
    hits = 0
    for i in range(0, len(pixels), 200):
        x = pixels[i:i + 200, None].astype(np.float32) / 255
        hits += int((session.run(None, {"image": x})[0].argmax(1) == labels[i:i + 200]).sum())
    return hits / len(pixels)


def recognise(session, utterances):
    """Each utterance by itself; utterances are (features, token labels)."""
    return ctc.word_error_rate(
        (ctc.greedy(session.run(None, {"features": f[None].astype(np.float32)})[0][0]), list(t))
        for f, t in utterances)


def read_spoken(path):
    with np.load(path) as a:
        frames = a["features"].astype(np.float32) * a["scale"][0] + a["offset"][0]
        ends, label_ends = np.cumsum(a["lengths"]), np.cumsum(a["label_lengths"])
        return [(frames[e - n:e], a["labels"][l - m:l].tolist())
                for e, n, l, m in zip(ends, a["lengths"], label_ends, a["label_lengths"])]


def bundled(session, facts, models):
    path = os.path.join(models, "eval", facts["evaluation"] + ".npz")
    if facts["task"] == "ctc":
        return recognise(session, read_spoken(path))
    with np.load(path) as a:
        return classify(session, a["images"], a["labels"])


def real(session, facts, folder):
    if facts["task"] == "classification":
        pixels, labels = images.read_mnist(os.path.join(folder, "mnist"))
        first = images.HELD_OUT_FROM
        return {"mnist_held_out_accuracy": classify(session, pixels[first:], labels[first:])}
    sets = make_speech_checks.check_sets(speech_data.read_recordings(os.path.join(folder, "fsdd")))
    tokens = {k: [(f, [d + 1 for d in labels]) for f, labels, _ in sets[k]]
              for k in ("real_connected", "real_alone", "real_tight")}
    return {f"fsdd_held_out_{k[5:]}_word_error_rate": recognise(session, u) for k, u in tokens.items()}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--models", required=True, help="the models/ folder")
    ap.add_argument("--net", required=True)
    ap.add_argument("--real-data", help="folder that holds fsdd/ and mnist/")
    args = ap.parse_args()
    folder = os.path.join(args.models, args.net)
    with open(os.path.join(folder, "model.json")) as f:
        facts = json.load(f)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.path.join(folder, args.net + ".onnx"), options,
                                           providers=["CPUExecutionProvider"])
    facts["expected"] = round(bundled(session, facts, args.models), 5)
    if args.real_data:
        facts["real"] = {k: round(v, 5) for k, v in real(session, facts, args.real_data).items()}
    with open(os.path.join(folder, "model.json"), "w") as f:
        json.dump(facts, f, indent=2)
        f.write("\n")
    print(args.net, facts["expected"], facts.get("real", ""))


if __name__ == "__main__":
    main()
