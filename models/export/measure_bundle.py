"""Word errors (and BLEU) of a bundle in ONNX Runtime, token by token without search: greedy CTC, the greedy
decoder and, for a translator, the greedy second decoder. `octet evaluate` measures the search.

    venv/bin/python measure_bundle.py ../speech/commands_lstm W/commands
"""
import argparse
import json
import pathlib

import numpy as np
import onnxruntime

import bleu
import ctc
import synth
from subword import Tokenizer

BATCH, LONGEST = 32, 60


class Graphs:
    def __init__(self, folder):
        self.folder, self.sessions = folder, {}

    def session(self, file):
        if file not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.sessions[file] = onnxruntime.InferenceSession(str(self.folder / file), options,
                                                               providers=["CPUExecutionProvider"])
        return self.sessions[file]

    def __call__(self, file, **inputs):
        session = self.session(file)
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs)))

    def states(self, file):
        """Zero states of a first step: free extents past the first axis are empty."""
        return {i.name: np.zeros([1] + [d if isinstance(d, int) else 0 for d in i.shape[1:]], np.float32)
                for i in self.session(file).get_inputs() if i.name.startswith("state.")}


def greedy(graphs, file, context, rows, start, end):
    """Rows side by side -> token lists without the end, and the hidden rows of each step."""
    states = graphs.states(file)
    tokens, parents = np.full(rows, start), np.zeros(rows, np.int64)
    out, hidden = [[] for _ in range(rows)], []
    open_rows = set(range(rows))
    for _ in range(LONGEST):
        got = graphs(file, tokens=tokens, parents=parents, **context, **states)
        hidden.append(got.get("hidden"))
        tokens, parents = got["log_probs"].argmax(1), np.arange(rows)
        states = {f"state.{i}": got[f"next.{i}"] for i in range(len(states))}
        for row in list(open_rows):
            if tokens[row] == end:
                open_rows.remove(row)
            else:
                out[row].append(int(tokens[row]))
        if not open_rows:
            break
    return out, hidden


def read_wave(path, rate):
    x = synth.read_wav(path.read_bytes(), rate)
    return x.astype(np.float32) / 32768


def batch_of(waves):
    lengths = np.array([len(x) for x in waves], np.int64)
    out = np.zeros((len(waves), lengths.max()), np.float32)
    for row, x in zip(out, waves):
        row[:len(x)] = x
    return {"waveform": out, "lengths": lengths}


def translate(graphs, facts, encoded, tokens, hidden):
    part = facts["translation"]
    lengths = np.array([len(row) + 1 for row in tokens], np.int64)
    rows = np.stack(hidden, 1)[:, :lengths.max()]
    bridged = graphs(part["bridge"], hidden=rows, lengths=lengths)
    memory = graphs(part["memory"], encoded=encoded["encoded"], bridged=bridged["encoded"])
    context = {**memory, "memory_lengths": encoded["encoded_lengths"], "bridged_lengths": bridged["encoded_lengths"]}
    return greedy(graphs, part["decoder"], context, len(tokens), part["start"], part["end"])[0]


def decode(graphs, facts, waves, tokenizer, target):
    """-> texts by CTC, by the decoder, and translations (None without a target)."""
    features = graphs(facts["features"], **batch_of(waves))
    encoded = graphs(facts["encoder"], features=features["features"], lengths=features["feature_lengths"])
    scores = graphs(facts["ctc"], encoded=encoded["encoded"])["log_probs"]
    by_ctc = [tokenizer.decode(ctc.greedy(row[:n], facts["blank"]))
              for row, n in zip(scores, encoded["encoded_lengths"])]
    memory = graphs(facts["memory"], encoded=encoded["encoded"])
    tokens, hidden = greedy(graphs, facts["decoder"], {**memory, "memory_lengths": encoded["encoded_lengths"]},
                            len(waves), facts["start"], facts["end"])
    by_attention = [tokenizer.decode(row) for row in tokens]
    if target is None:
        return by_ctc, by_attention, [None] * len(waves)
    return by_ctc, by_attention, [target.decode(row) for row in translate(graphs, facts, encoded, tokens, hidden)]


def read_list(path):
    rows = path.read_text(encoding="utf-8").splitlines()
    return dict(row.split(" ", 1) for row in rows)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bundle", type=pathlib.Path)
    ap.add_argument("set", type=pathlib.Path, help="folder of make_command_sets.py")
    args = ap.parse_args()
    facts = json.loads((args.bundle / "bundle.json").read_text())
    tokenizer = Tokenizer.read(args.bundle / facts["tokens"])
    target = Tokenizer.read(args.bundle / facts["translation"]["tokens"]) if "translation" in facts else None
    graphs, references = Graphs(args.bundle), read_list(args.set / "references.txt")
    waves = {path.stem: read_wave(path, facts["sample_rate"]) for path in sorted(args.set.glob("*.wav"))}
    names = sorted(waves, key=lambda name: len(waves[name]))
    found = {}
    for i in range(0, len(names), BATCH):
        part = names[i:i + BATCH]
        found.update(zip(part, zip(*decode(graphs, facts, [waves[name] for name in part], tokenizer, target))))
    for title, at in (("CTC", 0), ("decoder", 1)):
        rate = ctc.word_error_rate((found[name][at].split(), references[name].split()) for name in names)
        print(f"{title}: {100 * rate:.2f}% word errors")
    if target:
        translations = read_list(args.set / "translations.txt")
        print(f"translation: BLEU {bleu.corpus([(found[name][2], translations[name]) for name in names]):.2f}")


if __name__ == "__main__":
    main()
