#!/usr/bin/env python3
"""Decodes as docs/speech.md says it, plainly, with ONNX Runtime for the graphs, and holds `octet
transcribe` or `translate` to the same n-best lists and scores. Bundles are make_tiny_bundle.py's,
recordings noise; exit 1 and the difference where one is.

    python search_oracle.py --octet PROGRAM attention|lstm
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import wave

import make_tiny_bundle as tiny
import numpy as np
import onnxruntime

BEST, BEAM = 4, 4
TOLERANCE = 2e-3  # Of a sum of some dozens of logarithms in float32.
LENGTHS, MARGIN = 3, 10.0
NEVER = -math.inf


def log_add(*terms):
    top = max(terms)
    return top if top == NEVER else top + math.log(sum(math.exp(t - top) for t in terms))


class Graphs:
    """The bundle's graphs, each run by name."""

    def __init__(self, folder):
        self.sessions = {path.stem: onnxruntime.InferenceSession(str(path))
                         for path in folder.glob("*.onnx")}

    def __call__(self, part, **inputs):
        session = self.sessions[part]
        names = [port.name for port in session.get_outputs()]
        return dict(zip(names, session.run(None, inputs)))


class Steps:
    """A decoder or a language model: the states of the last step go into the next one."""

    def __init__(self, graphs, part, context):
        self.graphs, self.part, self.context = graphs, part, context
        self.states = {}
        for port in graphs.sessions[part].get_inputs():
            if port.name.startswith("state."):
                shape = [1, *(d if isinstance(d, int) else 0 for d in port.shape[1:])]
                self.states[port.name] = np.zeros(shape, np.float32)

    def __call__(self, tokens, parents):
        outputs = self.graphs(self.part, tokens=np.int64(tokens), parents=np.int64(parents),
                              **self.context, **self.states)
        self.states = {k.replace("next", "state"): v for k, v in outputs.items() if k.startswith("next.")}
        return outputs


class PrefixScores:
    """CTC prefix probabilities, by the forward variables of Watanabe et al. 2017, algorithm 2."""

    def __init__(self, log_probs, blank):
        self.y, self.blank = log_probs.astype(np.float64), blank

    def forward(self, labels):
        """(gamma_n, gamma_b, log P(the utterance begins with these labels))."""
        frames = len(self.y)
        if not labels:
            return [NEVER] * frames, list(np.cumsum(self.y[:, self.blank])), 0.0
        before_n, before_b, _ = self.forward(labels[:-1])
        c = labels[-1]
        n = [self.y[0, c] if len(labels) == 1 else NEVER]
        b = [NEVER]
        prefix = [n[0]]
        for t in range(1, frames):
            again = len(labels) > 1 and labels[-2] == c
            begins = before_b[t - 1] if again else log_add(before_n[t - 1], before_b[t - 1])
            n.append(log_add(n[t - 1], begins) + self.y[t, c])
            b.append(log_add(n[t - 1], b[t - 1]) + self.y[t, self.blank])
            prefix.append(begins + self.y[t, c])
        return n, b, log_add(*prefix)

    def prefix(self, labels):
        return self.forward(labels)[2]

    def whole(self, labels):
        n, b, _ = self.forward(labels)
        return log_add(n[-1], b[-1])


def search(how, vocabulary, start, end, blank, frames, decoder, lm, ctc):
    """The n-best list: (score, labels, hidden rows)."""
    opened = [dict(labels=[], att=0.0, lm=0.0, hidden=[])]
    tokens, parents, ended = [start], [0], []
    for length in range(frames + 1):
        outputs = decoder(tokens, parents) if decoder else {}
        attention = outputs["log_probs"] if decoder else np.zeros((len(opened), vocabulary))
        language = lm(tokens, parents)["log_probs"] if lm else np.zeros((len(opened), vocabulary))
        made = []
        for row, h in enumerate(opened):
            for c in range(vocabulary):
                if c != end and (c in (start, blank) or length >= frames):
                    continue
                labels = h["labels"] + ([c] if c != end else [])
                new = dict(labels=labels, att=h["att"] + attention[row, c], row=row, token=c,
                           lm=h["lm"] + language[row, c])
                new["hidden"] = h["hidden"] + ([outputs["hidden"][row]] if "hidden" in outputs else [])
                score = (1 - how["ctc_weight"]) * new["att"] if how["ctc_weight"] < 1 else 0.0
                if how["ctc_weight"] > 0:
                    score += how["ctc_weight"] * (ctc.whole(labels) if c == end else ctc.prefix(labels))
                if how["lm_weight"]:
                    score += how["lm_weight"] * new["lm"]
                new["score"] = score + how["length_bonus"] * len(labels)
                if math.isfinite(new["score"]):
                    made.append(new)
        made.sort(key=lambda n: (-n["score"], n["row"], n["token"]))
        opened = [n for n in made[:how["beam"]] if n["token"] != end]
        ended += [n for n in made[:how["beam"]] if n["token"] == end]
        tokens, parents = [n["token"] for n in opened], [n["row"] for n in opened]
        if not opened or settled(ended, length + 1):
            break
    rank = lambda n: n["score"] / (len(n["labels"]) + 1) ** how.get("length_normalization", 0)
    return sorted(ended, key=rank, reverse=True)[:BEST]


def settled(ended, length):
    """End detection: the last lengths' best hypotheses are all far from the best one."""
    if not ended or length < LENGTHS:
        return False
    top = max(n["score"] for n in ended)
    for back in range(1, LENGTHS + 1):
        scores = [n["score"] for n in ended if len(n["labels"]) + back == length]
        if not scores or max(scores) > top - MARGIN:
            return False
    return True


def decode(folder, samples, how):
    """(hypotheses of the source, of the target if the bundle translates)."""
    graphs, facts = Graphs(folder), json.loads((folder / "bundle.json").read_text())
    found = graphs("features", waveform=samples[None], lengths=np.int64([len(samples)]))
    encoded = graphs("encoder", features=found["features"], lengths=found["feature_lengths"])
    frames = int(encoded["encoded_lengths"][0])
    rows = encoded["encoded"][:, :frames]
    length = np.int64([frames])
    context = {**graphs("memory", encoded=rows), "memory_lengths": length}
    ctc = PrefixScores(graphs("ctc", encoded=rows)["log_probs"][0], facts["blank"])
    decoder = Steps(graphs, "decoder", context) if how["ctc_weight"] < 1 else None
    lm = Steps(graphs, "lm", {}) if how["lm_weight"] else None
    best = search(how, len(tiny.TOKENS), facts["start"], facts["end"], facts["blank"], frames,
                  decoder, lm, ctc)
    if facts["task"] != "translate":
        return best, None
    hidden = np.stack(best[0]["hidden"])[None]
    bridged = graphs("bridge", hidden=hidden, lengths=np.int64([hidden.shape[1]]))
    memory = graphs("translation_memory", encoded=rows, bridged=bridged["encoded"])
    context = {**memory, "memory_lengths": length, "bridged_lengths": bridged["encoded_lengths"]}
    second = facts["translation"]
    how = {"beam": BEAM, "ctc_weight": 0, "lm_weight": 0, **second["search"]}
    return best, search(how, len(tiny.TARGET), second["start"], second["end"], None, frames,
                        Steps(graphs, "translation_decoder", context), None, None)


def differences(name, want, got):
    """What is said of two n-best lists that aren't the same."""
    if len(want) != len(got):
        return [f"{name}: {len(got)} hypotheses, not {len(want)}"]
    said = []
    for i, (w, g) in enumerate(zip(want, got)):
        apart = abs(w["score"] - g["score"])
        if w["labels"] != g["tokens"] or not apart <= TOLERANCE:
            said.append(f"{name}, {i}: {g['tokens']} {g['score']:.5f}, not {w['labels']} {w['score']:.5f}")
    return said


def recordings(folder):
    """Noise of some lengths; what the program reads, and the samples that it must see."""
    random = np.random.default_rng(17)
    for number, seconds in enumerate((0.4, 0.75, 1.3)):
        codes = np.int16(random.normal(0, 4000, int(seconds * tiny.RATE)))
        path = folder / f"{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(tiny.RATE)
            file.writeframes(codes.tobytes())
        yield path, codes.astype(np.float32) / 32768


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--octet", required=True)
    parser.add_argument("family", choices=("attention", "lstm"))
    arguments = parser.parse_args()
    said, compared = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        files = list(recordings(folder))
        for task, verb in (("recognize", "transcribe"), ("translate", "translate")):
            bundle = folder / task
            tiny.make(bundle, arguments.family, task)
            weights = (0.0, 0.3, 1.0) if task == "recognize" else (0.0, 0.3)
            for ctc_weight in weights:
                for lm_weight, normalization in ((0.0, 0.0), (0.4, 0.6)):
                    how = {"beam": BEAM, "ctc_weight": ctc_weight, "lm_weight": lm_weight,
                           "length_bonus": 0.3, "length_normalization": normalization}
                    options = [f"--{key.replace('_', '-')}={value}" for key, value in how.items()]
                    words = [arguments.octet, verb, "--model", bundle, "--json", f"--nbest={BEST}",
                             *options, *(path for path, _ in files)]
                    printed = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
                    for (path, samples), row in zip(files, printed):
                        source, target = decode(bundle, samples, how)
                        where = f"{task} {how} {path.name}"
                        segment = row["segments"][0]
                        said += differences(where, source, segment["best"])
                        compared += len(source)
                        if target is not None:
                            said += differences(where + " target", target, segment["translation"])
                            compared += len(target)
    print(f"{compared} hypotheses compared")
    print("\n".join(said))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
