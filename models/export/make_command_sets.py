"""Writes evaluation sets: a folder of WAV files with references.txt and translations.txt, "NAME TEXT" a line.

    python3 make_command_sets.py synthesised --utterances 900 --seed 51 --out-dir W/commands
    python3 make_command_sets.py recorded --real-data R --utterances 1080 --out-dir W/recorded

`synthesised`: spoken commands by espeak-ng, half of the voices unheard in training, with noise, 16 kHz.
`recorded`: recordings of digits kept out of training (indices 45 to 49), as many strings with short
pauses of each of the six speakers, as recorded, 8 kHz.
"""
import argparse
import os
import pathlib
import wave

import numpy as np

import make_speech_checks
import spoken_numbers
import speech_data
from make_command_cache import RATE, Speaker, spoiled


def synthesised(args):
    """Yields (waveform, rate, English, German)."""
    speaker = Speaker(args.seed, args.split, None, 0.0)
    rng = np.random.default_rng(args.seed + 3000)
    noises = []
    for _ in range(args.utterances):
        x, english, german = speaker.draw()
        noises = (noises + [x])[-100:]
        yield spoiled(rng, x, noises, args.snr), RATE, english, german


def recorded(args):
    recordings = speech_data.read_recordings(os.path.join(args.real_data, "fsdd"))
    rng = np.random.default_rng(args.seed)
    silence = np.zeros(speech_data.RATE // 10, np.float32)
    for speaker in speech_data.SPEAKERS:
        for x, digits in make_speech_checks.strings(rng, recordings, "held", speaker, args.utterances // 6):
            yield (np.concatenate([silence, x, silence]), speech_data.RATE,
                   " ".join(spoken_numbers.english(d) for d in digits),
                   " ".join(spoken_numbers.german(d) for d in digits))


def write_wav(path, x, rate):
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(rate)
        f.writeframes(np.round(np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("kind", choices=["synthesised", "recorded"])
    ap.add_argument("--real-data", help="folder that holds fsdd/, for `recorded`")
    ap.add_argument("--utterances", type=int, default=360)
    ap.add_argument("--split", choices=["train", "eval"], default="eval", help="of voices")
    ap.add_argument("--snr", type=float, nargs=2, default=[15, 40], help="dB, least and most")
    ap.add_argument("--seed", type=int, default=51)
    ap.add_argument("--out-dir", type=pathlib.Path, required=True)
    args = ap.parse_args()
    args.out_dir.mkdir(parents=True, exist_ok=True)
    words = 0
    with open(args.out_dir / "references.txt", "w", encoding="utf-8") as references, \
            open(args.out_dir / "translations.txt", "w", encoding="utf-8") as translations:
        drawn = synthesised(args) if args.kind == "synthesised" else recorded(args)
        for i, (x, rate, english, german) in enumerate(drawn):
            write_wav(args.out_dir / f"{i:05d}.wav", x, rate)
            references.write(f"{i:05d} {english}\n")
            translations.write(f"{i:05d} {german}\n")
            words += len(english.split())
    print(i + 1, "utterances,", words, "words")


if __name__ == "__main__":
    main()
