"""Trains a hybrid CTC/attention recogniser; the encoder may start from a CTC model's ONNX file."""
import argparse

import numpy as np
import torch
from torch import nn

import ctc
import hybrid_nets
import hybrid_training as training
import warm_start
from subword import Tokenizer


def forward(net, utterances, tokenizer, rng):
    """-> encoded, steps, the decoder's hidden rows with the start in front, and the losses by name."""
    features, lengths = training.stacked(utterances)
    features = training.mask(net.normalise(features), lengths, rng)
    encoded, steps = net.encoder(features, lengths)
    rows = [u[2] for u in utterances]
    ctc_loss = nn.functional.ctc_loss(net.ctc(encoded).transpose(0, 1), torch.tensor(sum(rows, [])), steps,
                                      torch.tensor([len(row) for row in rows]), blank=tokenizer.blank,
                                      zero_infinity=True)
    inputs, targets, _ = training.teacher(rows, tokenizer.end)
    hidden = net.decoder.predict(inputs, (encoded,), (steps,))
    attention = training.cross_entropy(net.decoder.scores(hidden), targets)
    return encoded, steps, hidden, {"ctc": ctc_loss, "attention": attention}


def joint(losses, share):
    """share: of the CTC loss in the sum."""
    return share * losses["ctc"] + (1 - share) * losses["attention"]


@torch.no_grad()
def word_errors(net, utterances, tokenizer):
    """Word error rates of greedy CTC and of the greedy decoder."""
    by_ctc, by_attention = [], []
    for ids in training.batches([len(u[0]) for u in utterances], 16000, np.random.default_rng(0)):
        batch = [utterances[i] for i in ids]
        features, lengths = training.stacked(batch)
        encoded, steps = net.encoder(net.normalise(features), lengths)
        scores = net.ctc(encoded).numpy()
        written = hybrid_nets.greedy(net.decoder, (encoded,), (steps,), tokenizer.end, 40)
        for u, row, n, tokens in zip(batch, scores, steps.tolist(), written):
            reference = u[1].split()
            by_ctc.append((tokenizer.decode(ctc.greedy(row[:n], tokenizer.blank)).split(), reference))
            by_attention.append((tokenizer.decode(tokens).split(), reference))
    return ctc.word_error_rate(by_ctc), ctc.word_error_rate(by_attention)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--net", choices=sorted(hybrid_nets.RECOGNISERS), required=True)
    ap.add_argument("--warm", help="ONNX file of the CTC model whose encoder to start from")
    ap.add_argument("--start", help="checkpoint to go on from")
    ap.add_argument("--freeze", nargs="*", default=[], help="modules of the encoder that stay as they start")
    ap.add_argument("--dropout", type=float, default=0.1)
    training.add_speech_arguments(ap)
    training.add_arguments(ap, 1e-3, 2000, 200)
    args = ap.parse_args()
    rng = training.begin(args.seed)
    tokenizer = Tokenizer.read(args.tokens)
    utterances = [u for u in training.load(args.train, tokenizer) if len(u[0]) <= args.longest]
    check = training.load([args.check], tokenizer)[:args.check_utterances]
    net = hybrid_nets.RECOGNISERS[args.net](len(tokenizer.tokens), dropout=args.dropout)
    net.normalise.fit(torch.from_numpy(np.concatenate([u[0] for u in utterances[:2000]]).astype(np.float32)))
    if args.warm:
        warm_start.ENCODERS[args.net](net.encoder, args.warm)
    if args.start:
        net.load_state_dict(torch.load(args.start))
    for name in args.freeze:
        getattr(net.encoder, name).requires_grad_(False)
    print(sum(p.numel() for p in net.parameters()), "parameters,", len(utterances), "utterances", flush=True)

    def figures():
        by_ctc, by_attention = word_errors(net, check, tokenizer)
        return f"WER ctc {100 * by_ctc:.2f}% attention {100 * by_attention:.2f}%"

    loop = training.Loop(net, args)
    net.train()
    lengths = [len(u[0]) for u in utterances]
    while loop.done < loop.last:
        for ids in training.batches(lengths, args.frames_per_batch, rng)[:loop.last - loop.done]:
            losses = forward(net, [utterances[i] for i in ids], tokenizer, rng)[-1]
            loop.step({"all": joint(losses, args.ctc_share), **losses}, figures)


if __name__ == "__main__":
    main()
