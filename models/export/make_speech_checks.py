"""Writes the check sets for training: recordings kept out of it, connected and alone."""
import argparse
import os

import numpy as np

import features
import speech_data


def padded(x):
    """Silence up to a whole frame step, half of it in front."""
    y = np.zeros(speech_data.padded_length(len(x)), np.float32)
    start = (len(y) - len(x)) // 2
    y[start:start + len(x)] = x
    return y


def strings(rng, recordings, part, speaker, count):
    """Yields (waveform, digits): 3 to 7 recordings of one speaker, pauses of 50 to 300 ms, as recorded."""
    for _ in range(count):
        labels = [int(d) for d in rng.integers(0, 10, rng.integers(3, 8))]
        parts = []
        for d in labels:
            pool = recordings[speaker][part][d]
            parts += [pool[rng.integers(len(pool))], np.zeros(int(rng.uniform(0.05, 0.3) * 8000), np.float32)]
        yield np.concatenate(parts[:-1]), labels


def connected(rng, recordings, part, speaker, count):
    return [(features.log_mel(padded(x)), labels, speech_data.SPEAKERS.index(speaker))
            for x, labels in strings(rng, recordings, part, speaker, count)]


def alone(recordings, part, speaker, pad=padded):
    return [(features.log_mel(pad(x)), [d], speech_data.SPEAKERS.index(speaker))
            for d, pool in recordings[speaker][part].items() for x in pool]


def check_sets(recordings):
    rng = np.random.default_rng(21)
    unheard = speech_data.HELD_OUT_SPEAKER
    return {
        "real_connected": sum((connected(rng, recordings, "held", s, 60) for s in speech_data.SPEAKERS), []),
        "real_alone": sum((alone(recordings, "held", s) for s in speech_data.SPEAKERS), []),
        "real_tight": sum((alone(recordings, "held", s, lambda x: x) for s in speech_data.SPEAKERS), []),
        "unheard_connected": connected(rng, recordings, "train", unheard, 200),
        "unheard_alone": alone(recordings, "train", unheard) + alone(recordings, "held", unheard)}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--real-data", required=True, help="folder that holds fsdd/")
    ap.add_argument("--out-dir", required=True)
    args = ap.parse_args()
    recordings = speech_data.read_recordings(os.path.join(args.real_data, "fsdd"))
    for name, utterances in check_sets(recordings).items():
        np.savez(os.path.join(args.out_dir, name + ".npz"), **speech_data.pack(utterances, np.float16))


if __name__ == "__main__":
    main()
