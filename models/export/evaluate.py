"""Runs an exported model in ONNX Runtime on its bundled set, and on recordings kept out of training.

With --write, "expected" (the bundled set) and "real" (with --real-data) of the model's model.json.
"""
import argparse
import json
import os

import onnxruntime

import bundled
import images
import make_speech_checks
import speech_data


def runner(path):
    """A function from inputs to outputs, both by name, of the model at the path."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs)))


def held_out_images(facts, folder, models):
    pixels, labels = images.read_mnist(os.path.join(folder, "mnist"))
    first = images.HELD_OUT_FROM
    arrays = {"images": pixels[first:], "labels": labels[first:]}
    return {f"mnist_held_out_{facts['metric']}": bundled.READERS[facts["task"]](facts, arrays, models)}


def held_out_speech(facts, folder, models):
    sets = make_speech_checks.check_sets(speech_data.read_recordings(os.path.join(folder, "fsdd")))
    return {f"fsdd_held_out_{name[5:]}_word_error_rate":
            [bundled.Sample({facts["input"]: f[None].astype("float32")}, [d + 1 for d in digits])
             for f, digits, _ in sets[name]]
            for name in ("real_connected", "real_alone", "real_tight")}


REAL = {"classification": held_out_images, "autoencoding": held_out_images, "ctc": held_out_speech}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--models", required=True, help="the models/ folder")
    ap.add_argument("--net", required=True)
    ap.add_argument("--real-data", help="folder that holds fsdd/ and mnist/")
    ap.add_argument("--write", action="store_true", help="write the figures into model.json")
    args = ap.parse_args()
    folder = os.path.join(args.models, args.net)
    facts = bundled.read_facts(args.models, args.net)
    run = runner(os.path.join(folder, args.net + ".onnx"))

    def measure(samples):
        return round(bundled.metric(facts, bundled.parts(facts, samples, run)), 5)

    facts["expected"] = measure(bundled.read_set(facts, args.models))
    if args.real_data and facts["task"] in REAL:
        sets = REAL[facts["task"]](facts, args.real_data, args.models)
        facts["real"] = {name: measure(samples) for name, samples in sets.items()}
    if args.write:
        with open(os.path.join(folder, "model.json"), "w") as f:
            json.dump(facts, f, indent=2)
            f.write("\n")
    print(args.net, facts["expected"], facts.get("real", ""))


if __name__ == "__main__":
    main()
