"""Trains a language model over the spoken commands' tokens, on texts drawn from the grammar."""
import argparse
import math

import hybrid_nets
import hybrid_training as training
import spoken_commands
from subword import Tokenizer

ROWS = 64


def rows(writer, tokenizer, count):
    return [tokenizer.encode(writer.draw()[0]) for _ in range(count)]


def loss(net, batch, tokenizer, smoothing):
    inputs, targets, _ = training.teacher(batch, tokenizer.end)
    return training.cross_entropy(net.scores(net.predict(inputs)), targets, smoothing)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--net", choices=sorted(hybrid_nets.LANGUAGE_MODELS), required=True)
    ap.add_argument("--tokens", required=True)
    training.add_arguments(ap, 3e-3, 1500, 300)
    args = ap.parse_args()
    training.begin(args.seed)
    tokenizer = Tokenizer.read(args.tokens)
    net = hybrid_nets.LANGUAGE_MODELS[args.net](len(tokenizer.tokens))
    check = rows(spoken_commands.Writer(args.seed + 500), tokenizer, 1000)
    writer = spoken_commands.Writer(args.seed + 600)
    print(sum(p.numel() for p in net.parameters()), "parameters", flush=True)

    def figures():
        return f"perplexity of a token {math.exp(loss(net, check, tokenizer, 0.0)):.3f}"

    loop = training.Loop(net, args)
    net.train()
    while loop.done < loop.last:
        loop.step({"all": loss(net, rows(writer, tokenizer, ROWS), tokenizer, 0.0)}, figures)


if __name__ == "__main__":
    main()
