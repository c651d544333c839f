"""Exports a trained checkpoint to <models>/<name>/<name>.onnx and writes the model's model.json."""
import argparse
import json
import os

import torch

import digit_nets
import features
import speech_nets

DIGITS = {
    "task": "classification", "input": "image", "output": "logits",
    "input_shape": ["batch", 1, 28, 28], "output_shape": ["batch", 10],
    "input_scale": 1 / 255, "labels": [str(d) for d in range(10)],
    "evaluation": "digits_images", "calibration": "digits_images_calibration",
    "metric": "accuracy",
}
SPEECH = {
    "task": "ctc", "input": "features", "output": "log_probs",
    "input_shape": ["batch", "frames", features.MELS],
    "output_shape": ["batch", "steps", speech_nets.TOKENS],
    "blank": speech_nets.BLANK,
    "tokens": ["<blank>", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "evaluation": "spoken_digits", "calibration": "spoken_digits_calibration",
    "metric": "word_error_rate", "normalisation": "in the graph", "sample_rate": features.RATE,
    "mels": features.MELS, "hop": features.HOP, "window": features.WINDOW,
}
OPSETS = {"digits_mlp": 13, "digits_cnn": 14, "speech_lstm": 13, "speech_conformer": 17}
EXTRA = {"speech_lstm": {"subsampling": 3, "min_frames": 3},
         "speech_conformer": {"subsampling": 4, "min_frames": 1,
                              "max_frames": 4 * speech_nets.SpeechConformer.MAX_STEPS}}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--net", choices=sorted(OPSETS), required=True)
    ap.add_argument("--checkpoint", required=True)
    ap.add_argument("--models", required=True, help="the models/ folder")
    args = ap.parse_args()
    speech = args.net.startswith("speech")
    net = (speech_nets if speech else digit_nets).build(args.net)
    net.load_state_dict(torch.load(args.checkpoint, map_location="cpu"))
    net.eval()
    facts = {"name": args.net, **(SPEECH if speech else DIGITS), **EXTRA.get(args.net, {}),
             "opset": OPSETS[args.net], "parameters": sum(p.numel() for p in net.parameters())}
    example = torch.randn(2, 160, features.MELS) if speech else torch.rand(2, 1, 28, 28)
    axes = {facts["input"]: {0: "batch"}, facts["output"]: {0: "batch"}}
    if speech:
        axes[facts["input"]][1] = "frames"
        axes[facts["output"]][1] = "steps"
    folder = os.path.join(args.models, args.net)
    os.makedirs(folder, exist_ok=True)
    torch.onnx.export(net, example, os.path.join(folder, args.net + ".onnx"), input_names=[facts["input"]],
                      output_names=[facts["output"]], dynamic_axes=axes, opset_version=OPSETS[args.net])
    with open(os.path.join(folder, "model.json"), "w") as f:
        json.dump(facts, f, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
