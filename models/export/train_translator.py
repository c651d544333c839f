"""Trains the translator's bridge and second decoder on a trained recogniser, which stays as it is."""
import argparse

import numpy as np
import torch

import bleu
import hybrid_nets
import hybrid_training as training
from subword import Tokenizer


def encode(net, batch, rng=None):
    """Speech of a batch of utterances through the recogniser's encoder; with rng, masked features."""
    with torch.no_grad():
        features, lengths = training.stacked(batch)
        features = net.recogniser.normalise(features)
        if rng is not None:
            features = training.mask(features, lengths, rng)
        return net.recogniser.encoder(features, lengths)


def bridge(net, encoded, steps, rows, end):
    """The bridge over the decoder's hidden rows for source tokens, the start in front of each row."""
    inputs, _, lengths = training.teacher(rows, end)
    with torch.no_grad():
        hidden = net.recogniser.decoder.predict(inputs, (encoded,), (steps,))
    return net.bridge(hidden, lengths)


def loss(net, batch, source, target, rng):
    encoded, steps = encode(net, batch, rng)
    bridged, lengths = bridge(net, encoded, steps, [u[2] for u in batch], source.end)
    inputs, targets, _ = training.teacher([u[3] for u in batch], target.end)
    hidden = net.decoder.predict(inputs, (encoded, bridged), (steps, lengths))
    return training.cross_entropy(net.decoder.scores(hidden), targets)


@torch.no_grad()
def translations(net, utterances, source, target):
    """(translation, reference) pairs: greedy transcription, then greedy translation of it."""
    out = []
    for ids in training.batches([len(u[0]) for u in utterances], 16000, np.random.default_rng(0)):
        batch = [utterances[i] for i in ids]
        encoded, steps = encode(net, batch)
        rows = hybrid_nets.greedy(net.recogniser.decoder, (encoded,), (steps,), source.end, 40)
        bridged, lengths = bridge(net, encoded, steps, rows, source.end)
        written = hybrid_nets.greedy(net.decoder, (encoded, bridged), (steps, lengths), target.end, 40)
        out += [(target.decode(row), target.decode(u[3])) for row, u in zip(written, batch)]
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--recogniser", required=True, help="conformer checkpoint of train_hybrid.py")
    ap.add_argument("--train", nargs="+", required=True)
    ap.add_argument("--check", required=True)
    ap.add_argument("--tokens", required=True)
    ap.add_argument("--target-tokens", required=True)
    ap.add_argument("--frames-per-batch", type=int, default=9000)
    training.add_arguments(ap, 2e-3, 1000, 200)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    source, target = Tokenizer.read(args.tokens), Tokenizer.read(args.target_tokens)
    utterances = training.load(args.train, source, target)
    check = training.load([args.check], source, target)
    recogniser = hybrid_nets.conformer(len(source.tokens), dropout=0.0)
    recogniser.load_state_dict(torch.load(args.recogniser))
    recogniser.requires_grad_(False)
    net = hybrid_nets.translator(recogniser, len(target.tokens), dropout=0.05)

    def figures():
        pairs = translations(net, check, source, target)
        exact = sum(a == b for a, b in pairs) / len(pairs)
        return f"BLEU {bleu.corpus(pairs):.2f}, {100 * exact:.1f}% of the sentences exact"

    loop = training.Loop(net, args)
    net.train()
    lengths = [len(u[0]) for u in utterances]
    while loop.done < args.steps:
        for ids in training.batches(lengths, args.frames_per_batch, rng)[:args.steps - loop.done]:
            loop.step({"all": loss(net, [utterances[i] for i in ids], source, target, rng)}, figures)


if __name__ == "__main__":
    main()
