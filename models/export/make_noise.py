"""Writes digits_noise.npz: the noise that goes with digits_images, a row an image.

Standard normal, int8 codes in steps of 1/32.
"""

import argparse
import os

import numpy as np


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out-dir", required=True)
    args = ap.parse_args()
    noise = np.random.default_rng(105).standard_normal((6000, 20))
    np.savez_compressed(os.path.join(args.out_dir, "digits_noise.npz"),
                        noise=np.clip(np.round(noise * 32), -127, 127).astype(np.int8))


if __name__ == "__main__":
    main()
