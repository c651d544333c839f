"""Bank of synthesised spoken digits: espeak-ng and flite in many voices.

A bank is a pickle: {"speakers": [{"id", "digits": {digit: int16 array at 8 kHz}}],
"strings": [{"id", "labels": [...], "wave": int16 array}]}.
"""
import argparse
import io
import pickle
import random
import subprocess
import wave
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.signal import resample_poly

RATE = 8000
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ACCENTS = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp",
           "en-gb-x-gbcwmd", "en-029", "en-us-nyc"]
VARIANTS = ["adam", "Alex", "Alicia", "Andrea", "Andy", "Annie", "antonio", "aunty", "belinda",
            "benjamin", "boris", "caleb", "david", "Denis", "Diogo", "ed", "edward", "edward2",
            "Gene", "Gene2", "gustave", "Henrique", "Hugo", "iven", "iven2", "iven3", "iven4",
            "Jacky", "john", "Lee", "linda", "marcelo", "Marco", "Mario", "max", "Michael",
            "michel", "miguel", "Nguyen", "pablo", "paul", "pedro", "quincy",
            "rob", "robert", "sandro", "shelby", "steph", "steph2", "steph3", "travis", "victor",
            "zac", "anika", "f1", "f2", "f3", "f4", "f5", "grandma", "grandpa", "klatt", "klatt2",
            "klatt3", "klatt4", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "norbert"]
EVAL_ONLY = {"Andy", "belinda", "david", "f4", "Gene", "iven3", "klatt3", "linda", "m5", "Mario",
             "pedro", "rob", "steph2", "zac", "aunty", "max"}
FLITE = ["kal", "awb", "rms", "slt"]


def read_wav(data, wanted=RATE):
    """int16 mono samples at the wanted rate from the bytes of a WAV file of any rate."""
    with wave.open(io.BytesIO(data)) as f:
        rate = f.getframerate()
        # espeak-ng streams a WAV of unknown length: trust the bytes, not the header.
        raw = f.readframes(len(data))
    x = np.frombuffer(raw[:len(raw) // 2 * 2], dtype="<i2").astype(np.float32)
    if rate != wanted:
        g = np.gcd(rate, wanted)
        x = resample_poly(x, wanted // g, rate // g)
    return np.clip(x, -32768, 32767).astype(np.int16)


def trim(x, margin=160):
    """Cuts leading and trailing samples 40 dB below the peak, keeping a margin."""
    loud = np.flatnonzero(np.abs(x.astype(np.float32)) > 0.01 * np.abs(x.astype(np.float32)).max())
    if loud.size == 0:
        return x
    return x[max(0, loud[0] - margin):loud[-1] + margin]


def espeak(voice, text, rate=RATE):
    cmd = ["espeak-ng", "-v", f"{voice['accent']}+{voice['variant']}", "-s", str(voice["speed"]),
           "-p", str(voice["pitch"]), "--stdout", text]
    return trim(read_wav(subprocess.run(cmd, capture_output=True, check=True).stdout, rate))


def flite(voice, text):
    cmd = ["flite", "-voice", voice["name"], "--setf", f"duration_stretch={voice['stretch']}",
           "--setf", f"int_f0_target_mean={voice['f0']}", "-t", text, "-o", "/dev/stdout"]
    return trim(read_wav(subprocess.run(cmd, capture_output=True, check=True).stdout))


def speak(voice, text):
    return espeak(voice, text) if "accent" in voice else flite(voice, text)


def draw_voice(rng, variants, flite_share):
    if rng.random() < flite_share:
        name = rng.choice(FLITE)
        return {"name": name, "stretch": round(rng.uniform(0.75, 1.35), 2),
                "f0": round(rng.uniform(140, 230) if name == "slt" else rng.uniform(80, 160))}
    return {"accent": rng.choice(ACCENTS), "variant": rng.choice(variants),
            "speed": rng.randrange(110, 221), "pitch": rng.randrange(15, 86)}


def make_bank(seed, variants, speakers, strings, workers):
    rng = random.Random(seed)
    voices = [draw_voice(rng, variants, 0.2) for _ in range(speakers)]
    texts = []
    for _ in range(strings):
        labels = [rng.randrange(10) for _ in range(rng.randint(3, 7))]
        texts.append((draw_voice(rng, variants, 0.3), labels))
    with ThreadPoolExecutor(workers) as pool:
        digits = list(pool.map(lambda v: [speak(v, w) for w in WORDS], voices))
        waves = list(pool.map(lambda t: speak(t[0], " ".join(WORDS[d] for d in t[1])), texts))
    return {"speakers": [{"id": str(v), "digits": dict(enumerate(d))} for v, d in zip(voices, digits)],
            "strings": [{"id": str(v), "labels": l, "wave": w} for (v, l), w in zip(texts, waves)]}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--split", choices=["train", "eval"], required=True)
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--speakers", type=int, required=True)
    ap.add_argument("--strings", type=int, required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--workers", type=int, default=2)
    args = ap.parse_args()
    variants = [v for v in VARIANTS if v not in EVAL_ONLY]
    if args.split == "eval":
        # Half of the evaluation voices come from variants that training never hears.
        variants = sorted(EVAL_ONLY) + variants[:16]
    bank = make_bank(args.seed, variants, args.speakers, args.strings, args.workers)
    with open(args.out, "wb") as f:
        pickle.dump(bank, f)
    print(len(bank["speakers"]), "speakers,", len(bank["strings"]), "strings")


if __name__ == "__main__":
    main()
