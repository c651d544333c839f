"""Writes a shard of training utterances: recordings and synthesised digits, joined and distorted."""
import argparse
import os

import numpy as np

import speech_data


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--real-data", required=True, help="folder that holds fsdd/")
    ap.add_argument("--bank", required=True, help="bank written by synth.py --split train")
    ap.add_argument("--utterances", type=int, default=10000)
    ap.add_argument("--shares", type=float, nargs=3, default=[0.55, 0.27, 0.18],
                    help="of recordings, of joined synthesised digits, of synthesised strings")
    ap.add_argument("--most-words", type=int, default=7)
    ap.add_argument("--tight", action="store_true", help="no pause before the first word or after the last")
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    gen = speech_data.Generator(args.seed, speech_data.read_recordings(os.path.join(args.real_data, "fsdd")),
                                speech_data.load_bank(args.bank), tight=args.tight)
    kinds = gen.rng.choice(["train", "synth", "string"], args.utterances, p=args.shares)
    utterances = [gen.draw(str(k), 1, args.most_words) for k in kinds]
    np.savez(args.out, **speech_data.pack(utterances, np.float16))


if __name__ == "__main__":
    main()
