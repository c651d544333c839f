"""Writes a folder of made-up utterances for measuring calibration: COUNT samples of 2 to 20 s (100
frames a second), normal features of BINS bands, an .npy each. The first is the longest.

    python make_utterances.py OUT --count 512 --bins 80
"""
import argparse
import os

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--bins", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    frames = rng.integers(200, 2001, args.count)
    frames[0] = 2000
    for i, count in enumerate(frames):
        features = rng.standard_normal((1, count, args.bins), np.float32)
        np.save(os.path.join(args.out, f"{i:05d}.npy"), features)


if __name__ == "__main__":
    main()
