"""Connected spoken digits: recordings and synthesised banks joined, distorted, and as features."""
import os
import pickle
import wave

import numpy as np

import features
from features import HOP, RATE, WINDOW

SPEAKERS = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
HELD_OUT_SPEAKER = "theo"
HELD_OUT_INDICES = range(45, 50)
SYNTH = -1
# Utterances are padded to a frame count that is a multiple of this, so that a batch of equal
# lengths needs no mask.
FRAME_STEP = 16
TIGHT_STEP = 2


def read_recordings(folder):
    """{speaker: {"train" | "held": {digit: [float32 samples]}}} from {digit}_{speaker}_{index}.wav."""
    out = {s: {"train": {d: [] for d in range(10)}, "held": {d: [] for d in range(10)}}
           for s in SPEAKERS}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".wav"):
            continue
        digit, speaker, index = name[:-4].split("_")
        with wave.open(os.path.join(folder, name)) as f:
            x = np.frombuffer(f.readframes(f.getnframes()), "<i2").astype(np.float32) / 32768
        out[speaker]["held" if int(index) in HELD_OUT_INDICES else "train"][int(digit)].append(x)
    return out


def load_bank(path):
    with open(path, "rb") as f:
        bank = pickle.load(f)
    speakers = [{d: [w.astype(np.float32) / 32768] for d, w in s["digits"].items()}
                for s in bank["speakers"]]
    strings = [(s["labels"], s["wave"].astype(np.float32) / 32768) for s in bank["strings"]]
    return speakers, strings


def stretch(x, factor):
    """Plays x faster by factor (pitch and formants move along)."""
    n = max(WINDOW, int(len(x) / factor))
    return np.interp(np.linspace(0, len(x) - 1, n), np.arange(len(x)), x).astype(np.float32)


def join(rng, pool, labels, tempo, rate=RATE):
    """The labels' recordings drawn from pool[digit], one after the other with pauses."""
    parts = []
    tight = rng.random() < 0.3
    for d in labels:
        x = stretch(pool[d][rng.integers(len(pool[d]))], tempo * rng.uniform(0.95, 1.05))
        parts.append(x * 10 ** (rng.uniform(-3, 3) / 20))
        pause = rng.uniform(0, 0.05) if tight else rng.uniform(0.02, 0.35)
        parts.append(np.zeros(int(pause * rate), np.float32))
    return np.concatenate(parts[:-1])


def coloured_noise(rng, n):
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.maximum(np.arange(spectrum.size), 4) / spectrum.size
    return np.fft.irfft(spectrum * f ** -rng.uniform(0, 1), n).astype(np.float32)


def babble(rng, waves, n):
    out = np.zeros(n, np.float32)
    for _ in range(4):
        w = waves[rng.integers(len(waves))]
        out += np.resize(np.roll(w, rng.integers(len(w))), n)
    return out


def channel(rng, x, rate):
    """A random smooth equalizer, at times a telephone band, at times a short reverberation."""
    n = 1 << int(np.ceil(np.log2(len(x) + rate // 2)))
    spectrum = np.fft.rfft(x, n)
    f = np.linspace(0, rate / 2, spectrum.size)
    gain = np.interp(f, np.linspace(0, rate / 2, 6), rng.uniform(-6, 6, 6))
    if rng.random() < 0.15:
        gain = gain - 30 * ((f < rng.uniform(200, 350)) | (f > rng.uniform(3000, 3600)))
    spectrum = spectrum * 10 ** (gain / 20)
    if rng.random() < 0.3:
        t = np.arange(int(0.4 * rate)) / rate
        room = rng.standard_normal(t.size) * np.exp(-6.9 * t / rng.uniform(0.1, 0.4))
        room *= rng.uniform(0.05, 0.5) / np.sqrt((room ** 2).sum())
        room[0] += 1
        spectrum = spectrum * np.fft.rfft(room, n)
    return np.fft.irfft(spectrum, n)[:len(x)].astype(np.float32)


def padded_length(samples, step=FRAME_STEP):
    """The fewest samples, at least as many, whose frames are a multiple of step."""
    frames = 1 + max(0, -(-(samples - WINDOW) // HOP))
    frames += -frames % step
    return (frames - 1) * HOP + WINDOW


def spoil(rng, x, lead, length, noises, snr, rate=RATE):
    """x from sample lead on in length samples: filtered, noise added at snr dB (a range), the level set."""
    y = np.zeros(length, np.float32)
    y[lead:lead + len(x)] = x
    y = channel(rng, y, rate)
    rms = np.sqrt((x ** 2).mean()) + 1e-6
    if rng.random() < 0.85:
        noise = babble(rng, noises, length) if rng.random() < 0.2 else coloured_noise(rng, length)
        y += noise * (rms * 10 ** (-rng.uniform(*snr) / 20) / (np.sqrt((noise ** 2).mean()) + 1e-9))
    y *= 10 ** (rng.uniform(-26, -2) / 20) / (np.abs(y).max() + 1e-6)
    return np.round(np.clip(y, -1, 1) * 32767) / 32767


def distort(rng, x, noises, snr, tight):
    """Pads to a whole frame step and spoils; tight utterances begin and end with speech."""
    lead = 0 if tight else int(rng.uniform(0, 0.25) * RATE)
    tail = 0 if tight else int(rng.uniform(0, 0.15) * RATE)
    length = padded_length(lead + len(x) + tail, TIGHT_STEP if tight else FRAME_STEP)
    return spoil(rng, x, lead, length, noises, snr)


class Generator:
    """Draws (features, labels, source); source is a real speaker's index or SYNTH."""

    def __init__(self, seed, recordings, bank, snr=(6, 40), tight=False):
        self.rng = np.random.default_rng(seed)
        self.recordings = recordings
        self.speakers, self.strings = bank
        self.noises = [w for _, w in self.strings]
        self.snr = snr
        self.tight = tight

    def draw(self, kind, low, high):
        rng = self.rng
        source = SYNTH
        labels = [int(d) for d in rng.integers(0, 10, rng.integers(low, high + 1))]
        if kind == "string":
            labels, x = self.strings[rng.integers(len(self.strings))]
            x = stretch(x, rng.uniform(0.85, 1.2))
        elif kind == "synth":
            x = join(rng, self.speakers[rng.integers(len(self.speakers))], labels, rng.uniform(0.85, 1.2))
        else:
            source = int(rng.integers(len(SPEAKERS)))
            x = join(rng, self.recordings[SPEAKERS[source]][kind], labels, rng.uniform(0.85, 1.18))
        return features.log_mel(distort(rng, x, self.noises, self.snr, self.tight)), labels, source


def pack(utterances, dtype):
    """Concatenated frames with offsets; the layout of the training cache."""
    feats = np.concatenate([u[0] for u in utterances]).astype(dtype)
    return {"frames": feats, "lengths": np.array([len(u[0]) for u in utterances], np.int32),
            "labels": np.array([d for u in utterances for d in u[1]], np.uint8),
            "label_lengths": np.array([len(u[1]) for u in utterances], np.int32),
            "sources": np.array([u[2] for u in utterances], np.int8)}


def unpack(arrays):
    """-> [(frames, labels, source)]"""
    f_ends = np.cumsum(arrays["lengths"])
    l_ends = np.cumsum(arrays["label_lengths"])
    return [(arrays["frames"][e - n:e], arrays["labels"][l - m:l], int(s))
            for e, n, l, m, s in zip(f_ends, arrays["lengths"], l_ends, arrays["label_lengths"],
                                     arrays["sources"])]
