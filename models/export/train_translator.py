"""Trains the translator's bridge and second decoder on a recogniser, which stays as it is or learns along."""
import argparse

import numpy as np
import torch

import bleu
import hybrid_nets
import hybrid_training as training
import train_hybrid
from subword import Tokenizer


def losses(net, batch, source, target, rng, share):
    encoded, steps, hidden, out = train_hybrid.forward(net.recogniser, batch, source, rng)
    bridged, lengths = net.bridge(hidden, torch.tensor([len(u[2]) + 1 for u in batch]))
    inputs, targets, _ = training.teacher([u[3] for u in batch], target.end)
    written = net.decoder.predict(inputs, (encoded, bridged), (steps, lengths))
    out["translation"] = training.cross_entropy(net.decoder.scores(written), targets)
    return {"all": train_hybrid.joint(out, share) + out["translation"], **out}


@torch.no_grad()
def translations(net, utterances, source, target):
    """(translation, reference) pairs: greedy transcription, then greedy translation of it."""
    out = []
    for ids in training.batches([len(u[0]) for u in utterances], 16000, np.random.default_rng(0)):
        batch = [utterances[i] for i in ids]
        features, lengths = training.stacked(batch)
        encoded, steps = net.recogniser.encoder(net.recogniser.normalise(features), lengths)
        rows = hybrid_nets.greedy(net.recogniser.decoder, (encoded,), (steps,), source.end, 40)
        inputs, _, lengths = training.teacher(rows, source.end)
        bridged, _ = net.bridge(net.recogniser.decoder.predict(inputs, (encoded,), (steps,)), lengths)
        written = hybrid_nets.greedy(net.decoder, (encoded, bridged), (steps, lengths), target.end, 40)
        out += [(target.decode(row), target.decode(u[3])) for row, u in zip(written, batch)]
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--recogniser", required=True, help="conformer checkpoint of train_hybrid.py")
    ap.add_argument("--joint", action="store_true", help="train the recogniser on, too")
    ap.add_argument("--freeze", nargs="*", default=[], help="modules of the encoder that stay as they start")
    ap.add_argument("--start", help="translator's checkpoint to go on from")
    ap.add_argument("--target-tokens", required=True)
    training.add_speech_arguments(ap)
    training.add_arguments(ap, 1.5e-3, 1000, 200)
    args = ap.parse_args()
    rng = training.begin(args.seed)
    source, target = Tokenizer.read(args.tokens), Tokenizer.read(args.target_tokens)
    utterances = [u for u in training.load(args.train, source, target) if len(u[0]) <= args.longest]
    check = training.load([args.check], source, target)[:args.check_utterances]
    recogniser = hybrid_nets.conformer(len(source.tokens), dropout=0.0)
    recogniser.load_state_dict(torch.load(args.recogniser))
    recogniser.requires_grad_(args.joint)
    for name in args.freeze:
        getattr(recogniser.encoder, name).requires_grad_(False)
    net = hybrid_nets.translator(recogniser, len(target.tokens), dropout=0.0)
    if args.start:
        net.load_state_dict(torch.load(args.start))

    def figures():
        pairs = translations(net, check, source, target)
        exact = sum(a == b for a, b in pairs) / len(pairs)
        by_ctc, by_attention = train_hybrid.word_errors(net.recogniser, check, source)
        return (f"WER ctc {100 * by_ctc:.2f}% attention {100 * by_attention:.2f}% BLEU {bleu.corpus(pairs):.2f}, "
                f"{100 * exact:.1f}% of the translations exact")

    loop = training.Loop(net, args)
    net.train()
    lengths = [len(u[0]) for u in utterances]
    while loop.done < loop.last:
        for ids in training.batches(lengths, args.frames_per_batch, rng)[:loop.last - loop.done]:
            batch = [utterances[i] for i in ids]
            loop.step(losses(net, batch, source, target, rng, args.ctc_share), figures)


if __name__ == "__main__":
    main()
