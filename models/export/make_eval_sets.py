"""Writes the bundled evaluation and calibration sets: rendered and synthesised digits only.

No recording and no MNIST image goes into them. The layout is in models/README.md.
"""
import argparse
import os

import numpy as np

import features
import images
import speech_data

STEP = 0.25
RENDER_STRENGTH = 0.7


def write_images(path, seed, split, count):
    renderer = images.Renderer(seed, split)
    labels = renderer.rng.integers(0, 10, count)
    pixels = np.stack([renderer.draw(int(d), RENDER_STRENGTH) for d in labels])
    np.savez_compressed(path, images=pixels, labels=labels.astype(np.int64))


def write_speech(path, seed, bank, count):
    gen = speech_data.Generator(seed, None, speech_data.load_bank(bank), snr=(14, 40))
    kinds = gen.rng.choice(["synth", "string"], count, p=[0.6, 0.4])
    arrays = speech_data.pack([gen.draw(str(k), 3, 7) for k in kinds], np.float32)
    codes = np.round((arrays["frames"] - features.LOG_FLOOR) / STEP)
    np.savez_compressed(path, features=np.clip(codes, 0, 255).astype(np.uint8),
                        scale=np.array([STEP], np.float32),
                        offset=np.array([features.LOG_FLOOR], np.float32),
                        lengths=arrays["lengths"],
                        labels=arrays["labels"].astype(np.int32) + 1,
                        label_lengths=arrays["label_lengths"])


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--train-bank", required=True, help="bank written by synth.py --split train")
    ap.add_argument("--eval-bank", required=True, help="bank written by synth.py --split eval")
    ap.add_argument("--out-dir", required=True)
    args = ap.parse_args()
    os.makedirs(args.out_dir, exist_ok=True)

    def out(name):
        return os.path.join(args.out_dir, name)

    write_images(out("digits_images.npz"), 101, "eval", 6000)
    write_images(out("digits_images_calibration.npz"), 102, "train", 200)
    write_speech(out("spoken_digits.npz"), 103, args.eval_bank, 1080)
    write_speech(out("spoken_digits_calibration.npz"), 104, args.train_bank, 64)


if __name__ == "__main__":
    main()
