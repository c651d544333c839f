"""Trains a recogniser with CTC from cached utterances; resumable in phases.

A first phase with --exclude-speaker measures a voice that the net has never heard; a second
phase starts from its checkpoint and trains on everybody.
"""
import argparse
import time

import numpy as np
import torch
from torch import nn

import ctc
import speech_data
import speech_nets


def load(paths, exclude):
    utterances = []
    for path in paths:
        with np.load(path) as arrays:
            utterances += speech_data.unpack({k: arrays[k] for k in arrays.files})
    banned = speech_data.SPEAKERS.index(exclude) if exclude else None
    return [u for u in utterances if u[2] != banned]


def batches(utterances, frames_per_batch, rng):
    """Index lists of equal lengths, in random order."""
    by_length = {}
    for i, u in enumerate(utterances):
        by_length.setdefault(len(u[0]), []).append(i)
    out = []
    for length, ids in by_length.items():
        rng.shuffle(ids)
        size = max(2, frames_per_batch // length)
        out += [ids[i:i + size] for i in range(0, len(ids), size)]
    out = [b for b in out if len(b) > 1]
    rng.shuffle(out)
    return out


def mask(x, rng):
    """SpecAugment (Park et al. 2019): one or two bands of time and of mels set to the mean."""
    fill = x.mean()
    for row in x:
        for _ in range(rng.integers(1, 3)):
            width, start = rng.integers(0, 7), rng.integers(0, x.shape[2])
            row[:, start:start + width] = fill
        for _ in range(rng.integers(0, 3)):
            width, start = rng.integers(0, min(10, 2 + x.shape[1] // 12)), rng.integers(0, x.shape[1])
            row[start:start + width] = fill
    return x


def evaluate(net, utterances):
    net.eval()
    pairs = []
    with torch.no_grad():
        for ids in batches(utterances, 8000, np.random.default_rng(0)):
            x = torch.from_numpy(np.stack([utterances[i][0] for i in ids]).astype(np.float32))
            for i, scores in zip(ids, net(x).numpy()):
                pairs.append((ctc.greedy(scores), [int(d) + 1 for d in utterances[i][1]]))
    net.train()
    return ctc.word_error_rate(pairs)


def train(net, utterances, checks, args):
    rng = np.random.default_rng(args.seed)
    loss_of = nn.CTCLoss(blank=speech_nets.BLANK, zero_infinity=True)
    plan = []
    while len(plan) < args.steps:
        plan += batches(utterances, args.frames_per_batch, rng)
    plan = plan[:args.steps]
    optimizer = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, total_steps=args.steps,
                                                   pct_start=args.warmup)
    net.train()
    total, begin = 0.0, time.time()
    for step, ids in enumerate(plan[:args.stop], 1):
        x = np.stack([utterances[i][0] for i in ids]).astype(np.float32)
        x = torch.from_numpy(mask(x + rng.normal(0, 1) * 0.5, rng))[:, rng.integers(0, 4):]
        labels = torch.from_numpy(np.concatenate([utterances[i][1] for i in ids]).astype(np.int64) + 1)
        sizes = torch.tensor([len(utterances[i][1]) for i in ids])
        scores = net(x).transpose(0, 1)
        loss = loss_of(scores, labels, torch.full((len(ids),), scores.shape[0]), sizes)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
        if step % args.report == 0 or step == args.steps:
            figures = " ".join(f"{name} {100 * evaluate(net, u):.2f}%" for name, u in checks.items())
            print(f"step {step} loss {total / args.report:.4f} WER {figures} "
                  f"{time.time() - begin:.0f} s", flush=True)
            total = 0.0
            torch.save(net.state_dict(), args.out)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--net", choices=["speech_lstm", "speech_conformer"], required=True)
    ap.add_argument("--train", nargs="+", required=True)
    ap.add_argument("--check", nargs="*", default=[], help="NAME=FILE.npz, measured while training")
    ap.add_argument("--exclude-speaker")
    ap.add_argument("--start", help="checkpoint to go on from")
    ap.add_argument("--steps", type=int, required=True)
    ap.add_argument("--stop", type=int, help="ends after this many steps of the schedule")
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--rate", type=float, default=1.5e-3)
    ap.add_argument("--warmup", type=float, default=0.15)
    ap.add_argument("--frames-per-batch", type=int, default=6000)
    ap.add_argument("--report", type=int, default=200)
    ap.add_argument("--seed", type=int, default=5)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    utterances = load(args.train, args.exclude_speaker)
    net = speech_nets.build(args.net, args.dropout)
    net.normalise.fit(torch.from_numpy(np.concatenate([u[0] for u in utterances[:2000]]).astype(np.float32)))
    if args.start:
        net.load_state_dict(torch.load(args.start))
    print(sum(p.numel() for p in net.parameters()), "parameters,", len(utterances), "utterances", flush=True)
    checks = {name: load([path], None) for name, path in (c.split("=") for c in args.check)}
    train(net, utterances, checks, args)


if __name__ == "__main__":
    main()
