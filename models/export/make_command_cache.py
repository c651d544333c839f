"""Writes a shard of training utterances: spoken commands by espeak-ng, digits joined from recordings.

An .npz: frames float16 [sum of lengths, mels] (log-mels of speech_frontend.Frontend at a hop drawn for each
utterance), lengths, texts and translations.
"""
import argparse
import os
import random

import numpy as np
from scipy.signal import resample_poly

import speech_data
import spoken_commands
import spoken_numbers
import synth
from speech_frontend import HOPS, Frontend

FRONTEND = Frontend()
RATE = FRONTEND.rate


def recordings_at_rate(folder):
    """speech_data's recordings, brought to RATE."""
    tree = speech_data.read_recordings(folder)
    return {speaker: {part: {digit: [resample_poly(x, RATE // speech_data.RATE, 1).astype(np.float32) for x in pool]
                             for digit, pool in digits.items()}
                      for part, digits in parts.items()}
            for speaker, parts in tree.items()}


def variants(split):
    """Half of the evaluation's voices are ones that training never hears."""
    known = [v for v in synth.VARIANTS if v not in synth.EVAL_ONLY]
    return known if split == "train" else sorted(synth.EVAL_ONLY) + known[:16]


class Speaker:
    """Draws (waveform float32 at RATE, English, German)."""

    def __init__(self, seed, split, recordings, share):
        self.rng = np.random.default_rng(seed)
        self.voices = random.Random(seed)
        self.writer = spoken_commands.Writer(seed + 1000)
        self.variants = variants(split)
        self.recordings = recordings
        self.share = share

    def recorded(self):
        labels = [int(d) for d in self.rng.integers(0, 10, self.rng.integers(1, 8))]
        pool = self.recordings[speech_data.SPEAKERS[self.rng.integers(len(speech_data.SPEAKERS))]]["train"]
        x = speech_data.join(self.rng, pool, labels, self.rng.uniform(0.85, 1.18), RATE)
        return (x, " ".join(spoken_numbers.english(d) for d in labels),
                " ".join(spoken_numbers.german(d) for d in labels))

    def spoken(self):
        english, german = self.writer.draw()
        voice = synth.draw_voice(self.voices, self.variants, 0.0)
        x = synth.espeak(voice, english, RATE).astype(np.float32) / 32768
        return x, english, german

    def draw(self):
        return self.recorded() if self.rng.random() < self.share else self.spoken()


def spoiled(rng, x, noises, snr):
    """The utterance with silence around it and noise, as speech_data.spoil makes it."""
    lead, tail = int(rng.uniform(0.05, 0.3) * RATE), int(rng.uniform(0.05, 0.2) * RATE)
    return speech_data.spoil(rng, x, lead, lead + len(x) + tail, noises, snr, RATE)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--real-data", required=True, help="folder that holds fsdd/")
    ap.add_argument("--utterances", type=int, required=True)
    ap.add_argument("--copies", type=int, default=1, help="of each utterance, stretched and spoiled differently")
    ap.add_argument("--split", choices=["train", "eval"], default="train")
    ap.add_argument("--share", type=float, default=0.12, help="of digits joined from recordings")
    ap.add_argument("--snr", type=float, nargs=2, default=[5, 35])
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--out", required=True)
    args = ap.parse_args()
    speaker = Speaker(args.seed, args.split, recordings_at_rate(os.path.join(args.real_data, "fsdd")), args.share)
    rng = np.random.default_rng(args.seed + 2000)
    frontends = [FRONTEND.with_hop(hop) for hop in HOPS]
    frames, texts, translations, noises = [], [], [], []
    for _ in range(args.utterances):
        x, english, german = speaker.draw()
        noises = (noises + [x])[-100:]
        for _ in range(args.copies):
            y = spoiled(rng, speech_data.stretch(x, rng.uniform(0.85, 1.2)), noises, args.snr)
            frames.append(frontends[rng.integers(len(frontends))].compute(y).astype(np.float16))
            texts.append(english)
            translations.append(german)
    np.savez(args.out, frames=np.concatenate(frames), lengths=np.array([len(f) for f in frames], np.int32),
             texts=np.array(texts), translations=np.array(translations))


if __name__ == "__main__":
    main()
