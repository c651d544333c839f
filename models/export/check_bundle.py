"""Holds a bundle's graphs against the nets that they were exported from, part by part and step by step.

A padded batch goes through the encoder, the CTC head and the memory; then hypotheses grow by random tokens
from random parents, one and then three a row's beam, in the decoder, the language model and the
translator's second decoder, every state passed on. Each graph runs in ONNX Runtime and in octet; padding
must leave a row's own steps as they are alone. Exit code 1 if anything differs by more than 1e-3.

    venv/bin/python check_bundle.py ../speech/commands_conformer --net conformer \
        --checkpoint W/translator.pt --language-model W/lm.pt --octet ../../build/release/bin/octet
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
import torch

import hybrid_nets
from export_bundle import load

TOLERANCE = 1e-3
BEAM, STEPS = 3, 5


class OnnxRuntime:
    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, inputs):
        return dict(zip(self.names, self.session.run(self.names, inputs)))


class Octet:
    binary = None

    def __init__(self, path):
        self.path = path
        self.names = OnnxRuntime(path).names

    def __call__(self, inputs):
        with tempfile.TemporaryDirectory() as folder:
            np.savez(f"{folder}/in.npz", **inputs)
            subprocess.run([Octet.binary, "run", str(self.path), "--inputs", f"{folder}/in.npz", "--output-dir",
                            folder], check=True)
            return {name: np.load(f"{folder}/{name}.npy") for name in self.names}


class Checker:
    def __init__(self, folder, runtime):
        self.folder, self.runtime, self.worst = folder, runtime, {}

    def graph(self, name):
        return self.runtime(self.folder / f"{name}.onnx")

    def note(self, part, found, expected):
        expected = expected.detach().numpy()
        error = np.abs(found - expected).max(initial=0.0) if found.shape == expected.shape else np.inf
        self.worst[part] = max(self.worst.get(part, 0.0), float(error))

    def encode(self, net):
        features, lengths = torch.randn(3, 131, net.normalise.mean.numel()), torch.tensor([131, 90, 37])
        got = self.graph("encoder")({"features": features.numpy(), "lengths": lengths.numpy()})
        counts = got["encoded_lengths"].tolist()
        for i, n in enumerate(counts):
            alone, steps = net.encoder(features[i:i + 1, :lengths[i]], lengths[i:i + 1])
            self.note("encoder", got["encoded"][i:i + 1, :n], alone[:, :int(steps[0])])
        encoded = torch.from_numpy(got["encoded"])
        self.note("ctc", self.graph("ctc")({"encoded": got["encoded"]})["log_probs"], net.ctc(encoded))
        return encoded, torch.tensor(counts)

    def memory(self, name, decoder, sources):
        got = self.graph(name)({key: source.numpy() for key, source in sources.items()})
        expected = decoder.memory(*sources.values())
        for i, part in enumerate(expected):
            self.note(name, got[f"memory.{i}"], part)
        return expected

    def decode(self, name, decoder, memory, lengths):
        """lengths: {input: lengths of the rows}. Every row has BEAM hypotheses after the first step."""
        graph, rng = self.graph(name), np.random.default_rng(3)
        rows = memory[0].shape[0] if memory else 1
        states = decoder.initial()
        found = [state.numpy() for state in states]
        vocabulary = decoder.output.out_features
        tokens, parents, of_row = torch.ones(rows, dtype=torch.int64), torch.zeros(rows, dtype=torch.int64), range(rows)
        hidden = None
        for step in range(STEPS):
            parts = [part[list(of_row)] for part in memory]
            sizes = {key: value[list(of_row)] for key, value in lengths.items()}
            got = graph({"tokens": tokens.numpy(), "parents": parents.numpy(),
                         **{f"memory.{i}": part.numpy() for i, part in enumerate(parts)},
                         **{key: value.numpy() for key, value in sizes.items()},
                         **{f"state.{i}": state for i, state in enumerate(found)}})
            scores, hidden, states = decoder.step(tokens, parents, parts, list(sizes.values()), states)
            self.note(name, got["log_probs"], scores)
            if "hidden" in got:
                self.note(name, got["hidden"], hidden)
            found = [got[f"next.{i}"] for i in range(len(states))]
            for a, b in zip(found, states):
                self.note(name, a, b)
            beam = 1 if step == 0 else BEAM
            parents = torch.tensor([row * beam + int(rng.integers(beam)) for row in range(rows) for _ in range(BEAM)])
            of_row = [row for row in range(rows) for _ in range(BEAM)]
            tokens = torch.from_numpy(rng.integers(2, vocabulary, rows * BEAM))

    def translate(self, net, encoded, counts):
        hidden, lengths = torch.randn(3, 9, net.recogniser.encoder.width), torch.tensor([9, 6, 2])
        got = self.graph("bridge")({"hidden": hidden.numpy(), "lengths": lengths.numpy()})
        for i, n in enumerate(lengths.tolist()):
            self.note("bridge", got["encoded"][i:i + 1, :n], net.bridge(hidden[i:i + 1, :n], lengths[i:i + 1])[0])
        bridged = net.bridge(hidden, lengths)[0]
        memory = self.memory("translation_memory", net.decoder, {"encoded": encoded, "bridged": bridged})
        self.decode("translation_decoder", net.decoder, memory, {"memory_lengths": counts, "bridged_lengths": lengths})


@torch.no_grad()
def check(args, runtime):
    facts = json.loads((args.bundle / "bundle.json").read_text())
    checker = Checker(args.bundle, runtime)
    size = sum(1 for _ in open(args.bundle / "tokens.txt", encoding="utf-8"))
    recogniser = hybrid_nets.RECOGNISERS["conformer" if args.net == "translator" else args.net](size)
    net = recogniser
    if args.net == "translator":
        targets = sum(1 for _ in open(args.bundle / facts["translation"]["tokens"], encoding="utf-8"))
        net = hybrid_nets.translator(recogniser, targets)
    load(net, args.checkpoint)
    encoded, counts = checker.encode(recogniser)
    memory = checker.memory("memory", recogniser.decoder, {"encoded": encoded})
    checker.decode("decoder", recogniser.decoder, memory, {"memory_lengths": counts})
    if args.language_model:
        checker.decode("lm", load(hybrid_nets.LANGUAGE_MODELS[args.net](size), args.language_model), [], {})
    if args.net == "translator":
        checker.translate(net, encoded, counts)
    return checker.worst


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bundle", type=pathlib.Path)
    ap.add_argument("--net", choices=[*sorted(hybrid_nets.RECOGNISERS), "translator"], required=True)
    ap.add_argument("--checkpoint", required=True)
    ap.add_argument("--language-model")
    ap.add_argument("--octet", help="the binary; without it only ONNX Runtime runs")
    args = ap.parse_args()
    torch.manual_seed(1)
    runtimes = {"onnxruntime": OnnxRuntime}
    if args.octet:
        Octet.binary = args.octet
        runtimes["octet"] = Octet
    failed = False
    for name, runtime in runtimes.items():
        for part, error in check(args, runtime).items():
            good = error <= TOLERANCE
            failed |= not good
            print(f"{name:12} {part:20} {error:.2e}{'' if good else '  FAILED'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
