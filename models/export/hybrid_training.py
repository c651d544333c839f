"""What the trainings of the hybrid models share: shards, batches, masks, losses, schedules."""
import time

import numpy as np
import torch
from torch import nn


def begin(seed):
    """One thread and seeded; -> a generator."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def load(paths, tokenizer, target=None):
    """Shards of make_command_cache.py -> [(frames float16 [T, F], text, tokens, translation's tokens)]."""
    out = []
    for path in paths:
        with np.load(path) as arrays:
            ends, frames = np.cumsum(arrays["lengths"]), arrays["frames"]
            for end, length, text, translation in zip(ends, arrays["lengths"], arrays["texts"],
                                                      arrays["translations"]):
                out.append((frames[end - length:end], str(text), tokenizer.encode(str(text)),
                            target.encode(str(translation)) if target else str(translation)))
    return out


def batches(lengths, most, rng):
    """Index lists whose rows are of like length and hold at most `most` frames with padding, shuffled."""
    order = np.argsort(np.asarray(lengths) * rng.uniform(0.95, 1.05, len(lengths)))
    out, batch, longest = [], [], 0
    for i in order:
        longest = max(longest, lengths[i])
        if batch and longest * (len(batch) + 1) > most:
            out.append(batch)
            batch, longest = [], lengths[i]
        batch.append(int(i))
    out.append(batch)
    rng.shuffle(out)
    return out


def padded(rows, fill=0):
    """Lists of numbers -> int64 [B, longest]."""
    out = torch.full((len(rows), max(len(row) for row in rows)), fill)
    for i, row in enumerate(rows):
        out[i, :len(row)] = torch.tensor(row, dtype=torch.int64)
    return out


def stacked(utterances):
    """-> features float32 [B, T, F] with zeros behind, lengths."""
    lengths = torch.tensor([len(u[0]) for u in utterances])
    out = torch.zeros(len(utterances), int(lengths.max()), utterances[0][0].shape[1])
    for row, u in zip(out, utterances):
        row[:len(u[0])] = torch.from_numpy(u[0].astype(np.float32))
    return out, lengths


def mask(x, lengths, rng):
    """SpecAugment (Park et al. 2019) on normalised features: bands of time and of mels set to zero."""
    for row, length in zip(x, lengths.tolist()):
        row += float(rng.normal(0, 0.15))
        for _ in range(2):
            width, start = rng.integers(0, 7), rng.integers(0, x.shape[2])
            row[:, start:start + width] = 0
            width, start = rng.integers(0, 2 + length // 14), rng.integers(0, length)
            row[start:start + width] = 0
    return x


def teacher(rows, end):
    """Token lists -> inputs (the start in front, which is the end token), targets (-1 behind), lengths."""
    inputs = padded([[end, *row] for row in rows], end)
    targets = padded([[*row, end] for row in rows], -1)
    return inputs, targets, torch.tensor([len(row) + 1 for row in rows])


def cross_entropy(scores, targets, smoothing=0.1):
    """Of log-probabilities [B, L, V], a token; label smoothing over the vocabulary."""
    kept = targets >= 0
    scores, targets = scores[kept], targets[kept]
    exact = nn.functional.nll_loss(scores, targets)
    return (1 - smoothing) * exact - smoothing * scores.mean()


class Loop:
    """AdamW under a one-cycle schedule, with a line of figures and a checkpoint every `report` steps."""

    def __init__(self, net, args):
        self.net, self.args = net, args
        self.parameters = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=args.rate, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, args.rate, total_steps=args.steps,
                                                            pct_start=args.warmup)
        self.done, self.sums, self.begin = 0, {}, time.time()
        self.last = args.stop or args.steps

    def step(self, losses, figures):
        """losses by name, "all" the one to descend; figures() -> text, called at a report."""
        self.optimizer.zero_grad()
        losses["all"].backward()
        nn.utils.clip_grad_norm_(self.parameters, 2.0)
        self.optimizer.step()
        self.schedule.step()
        self.done += 1
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + loss.item()
        if self.done % self.args.report and self.done != self.last:
            return
        count = (self.done - 1) % self.args.report + 1
        means = " ".join(f"{name} {total / count:.4f}" for name, total in self.sums.items())
        self.sums = {}
        self.net.eval()
        with torch.no_grad():
            print(f"step {self.done} {means} {figures()} {time.time() - self.begin:.0f} s", flush=True)
        self.net.train()
        torch.save(self.net.state_dict(), self.args.out)


def add_speech_arguments(ap):
    ap.add_argument("--train", nargs="+", required=True, help="shards of make_command_cache.py")
    ap.add_argument("--check", required=True, help="a shard to measure on while training")
    ap.add_argument("--check-utterances", type=int, default=250)
    ap.add_argument("--tokens", required=True)
    ap.add_argument("--longest", type=int, default=100000, help="frames of an utterance to train on")
    ap.add_argument("--ctc-share", type=float, default=0.5)
    ap.add_argument("--frames-per-batch", type=int, default=4500)


def add_arguments(ap, rate, steps, report):
    ap.add_argument("--steps", type=int, default=steps)
    ap.add_argument("--stop", type=int, help="ends after this many steps of the schedule")
    ap.add_argument("--rate", type=float, default=rate)
    ap.add_argument("--warmup", type=float, default=0.1)
    ap.add_argument("--report", type=int, default=report)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out", required=True, help="the checkpoint")
