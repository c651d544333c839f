"""Trains the classifier of commands, exports it and writes its sets."""

import argparse
import json
import pathlib
import time

import commands_text
import numpy as np
import torch
from text_nets import LONGEST, CommandClassifier
from torch.nn import functional

OPSET = 17
PIECES = 512
BATCH, BATCHES = 64, 8
TYPOS = 0.12
SETS = {"commands": (302, 5000), "commands_calibration": (303, 200)}
TRAIN_SEED = 301


def draw(writer, pieces, count: int):
    """(padded ids [count, LONGEST], lengths, labels)."""
    ids = np.full((count, LONGEST), commands_text.PAD, np.int64)
    lengths, labels = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for row in range(count):
        text, labels[row] = writer.draw()
        encoded = pieces.encode(text, LONGEST)
        ids[row, : len(encoded)], lengths[row] = encoded, len(encoded)
    return ids, lengths, labels


def inputs(ids, lengths):
    width = int(lengths.max())
    ids = torch.from_numpy(ids[:, :width])
    mask = (torch.arange(width) < torch.from_numpy(lengths)[:, None]).long()
    return ids, mask, torch.zeros_like(ids)


@torch.no_grad()
def accuracy(net, data) -> float:
    net.eval()
    hits = 0
    for i in range(0, len(data[0]), 200):
        ids, lengths, labels = (part[i : i + 200] for part in data)
        hits += int((net(*inputs(ids, lengths)).argmax(1).numpy() == labels).sum())
    net.train()
    return hits / len(data[0])


def train(net, args, pieces, check):
    writer = commands_text.Writer(TRAIN_SEED, TYPOS)
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.rate, total_steps=args.steps, pct_start=0.1
    )
    begin, total, every = time.time(), 0.0, max(1, args.steps // 10)
    for step in range(args.steps):
        if step % BATCHES == 0:
            # Batches of like lengths are narrow.
            data = draw(writer, pieces, BATCH * BATCHES)
            data = [part[np.argsort(data[1], kind="stable")] for part in data]
            order = writer.rng.permutation(BATCHES)
        first = order[step % BATCHES] * BATCH
        ids, lengths, labels = (part[first : first + BATCH] for part in data)
        loss = functional.cross_entropy(net(*inputs(ids, lengths)), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if (step + 1) % every == 0:
            print(f"{step + 1}: loss {total / every:.3f} check "
                  f"{100 * accuracy(net, check):.2f}% {time.time() - begin:.0f} s", flush=True)
            total = 0.0


def export(net, path: pathlib.Path):
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    net.eval()
    ids = torch.ones(2, 9, dtype=torch.int64)
    torch.onnx.export(
        net,
        (ids, ids, torch.zeros_like(ids)),
        str(path),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**{n: {0: "batch", 1: "pieces"} for n in names}, "logits": {0: "batch"}},
        opset_version=OPSET,
    )


def facts(net, pieces, expected: float) -> dict:
    shape = ["batch", "pieces"]
    return {
        "name": "commands_bert",
        "task": "text_classification",
        "inputs": {"input_ids": shape, "attention_mask": shape, "token_type_ids": shape},
        "outputs": {"logits": ["batch", len(commands_text.NAMES)]},
        "labels": commands_text.NAMES,
        "vocabulary": pieces.vocabulary,
        "padded_to": LONGEST,
        "evaluation": "commands",
        "calibration": "commands_calibration",
        "metric": "accuracy",
        "opset": OPSET,
        "parameters": sum(p.numel() for p in net.parameters()),
        "expected": round(expected, 5),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the models/ folder")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", required=True, help="the checkpoint")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    sample = commands_text.Writer(TRAIN_SEED, TYPOS)
    pieces = commands_text.learn_pieces([sample.draw()[0] for _ in range(4000)], PIECES)
    net = CommandClassifier(PIECES, len(commands_text.NAMES))
    sets = {name: draw(commands_text.Writer(seed, TYPOS), pieces, count)
            for name, (seed, count) in SETS.items()}
    train(net, args, pieces, sets["commands_calibration"])
    torch.save(net.state_dict(), args.out)
    for name, (ids, lengths, labels) in sets.items():
        np.savez_compressed(args.models / "eval" / f"{name}.npz", pieces=ids.astype(np.int32),
                            lengths=lengths.astype(np.int32), labels=labels.astype(np.int32))
    folder = args.models / "commands_bert"
    export(net, folder / "commands_bert.onnx")
    result = facts(net, pieces, accuracy(net, sets["commands"]))
    (folder / "model.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
