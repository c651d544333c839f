"""Trains the language model of stories, exports it and writes its sets."""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import stories_text
import torch
from text_nets import StoryModel
from torch.nn import functional

ROWS, STEPS = 32, 48
OPSET = 13
STRETCH = 40  # words of a run of the evaluation
EVALUATION_WORDS, CALIBRATION_WORDS = 10001, 2561
TRAIN_SEED, EVALUATION_SEED, CALIBRATION_SEED = 201, 202, 203


def encode(words: list, vocabulary: list):
    ids = {word: i for i, word in enumerate(vocabulary)}
    return np.array([ids[word] for word in words], np.int64)


def perplexity(net, text) -> float:
    """Of all words but the first, the state carried through."""
    net.eval()
    tokens = torch.from_numpy(text)[None]
    with torch.no_grad():
        logits = net(tokens[:, :-1], *net.states(1))[0]
        loss = functional.cross_entropy(logits[0], tokens[0, 1:])
    net.train()
    return math.exp(float(loss))


def train(net, args, vocabulary, evaluation):
    text = encode(stories_text.words(TRAIN_SEED, ROWS * STEPS * args.steps // args.epochs), vocabulary)
    rows = torch.from_numpy(text[: len(text) // ROWS * ROWS].reshape(ROWS, -1))
    batches = (rows.shape[1] - 1) // STEPS
    optimizer = torch.optim.Adam(net.parameters(), lr=args.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.rate, total_steps=batches * args.epochs, pct_start=0.1
    )
    begin = time.time()
    for epoch in range(args.epochs):
        h, c = net.states(ROWS)
        total = 0.0
        for i in range(batches):
            part = rows[:, i * STEPS : (i + 1) * STEPS + 1]
            logits, h, c = net(part[:, :-1], h.detach(), c.detach())
            loss = functional.cross_entropy(logits.transpose(1, 2), part[:, 1:])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"{epoch + 1}: train {math.exp(total / batches):.3f} "
              f"evaluation {perplexity(net, evaluation):.3f} {time.time() - begin:.0f} s", flush=True)


def export(net, path: pathlib.Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {"tokens": {0: "batch", 1: "words"}, "logits": {0: "batch", 1: "words"}}
    states = ("h", "c", "h_out", "c_out")
    net.eval()
    torch.onnx.export(
        net,
        (torch.zeros(2, 5, dtype=torch.int64), *net.states(2)),
        str(path),
        input_names=["tokens", "h", "c"],
        output_names=["logits", "h_out", "c_out"],
        dynamic_axes={**axes, **{name: {1: "batch"} for name in states}},
        opset_version=OPSET,
    )


def facts(net, vocabulary: list, expected: float) -> dict:
    state = [StoryModel.LAYERS, "batch", StoryModel.WIDTH]
    return {
        "name": "stories_lstm",
        "task": "language_model",
        "inputs": {"tokens": ["batch", "words"], "h": state, "c": state},
        "outputs": {"logits": ["batch", "words", len(vocabulary)], "h_out": state, "c_out": state},
        "states": {"h": "h_out", "c": "c_out"},
        "vocabulary": vocabulary,
        "evaluation": "stories",
        "calibration": "stories_calibration",
        "stretch": STRETCH,
        "metric": "perplexity",
        "opset": OPSET,
        "parameters": sum(p.numel() for p in net.parameters()),
        "expected": round(expected, 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the models/ folder")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", required=True, help="the checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    vocabulary = stories_text.vocabulary()
    net = StoryModel(len(vocabulary))
    sets = {
        "stories": encode(stories_text.words(EVALUATION_SEED, EVALUATION_WORDS), vocabulary),
        "stories_calibration": encode(stories_text.words(CALIBRATION_SEED, CALIBRATION_WORDS), vocabulary),
    }
    train(net, args, vocabulary, sets["stories"])
    torch.save(net.state_dict(), args.out)
    for name, text in sets.items():
        np.savez_compressed(args.models / "eval" / f"{name}.npz", words=text.astype(np.int32))
    folder = args.models / "stories_lstm"
    export(net, folder / "stories_lstm.onnx")
    result = facts(net, vocabulary, perplexity(net, sets["stories"]))
    (folder / "model.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
