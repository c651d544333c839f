"""Exports trained checkpoints to a speech bundle: a folder of ONNX graphs with bundle.json.

    python3 export_bundle.py --net conformer --checkpoint W/translator.pt --language-model W/lm.pt \
        --tokens W/tokens.txt --out ../speech/commands_conformer
    python3 export_bundle.py --net translator --checkpoint W/translator.pt --tokens W/tokens.txt \
        --target-tokens W/target_tokens.txt --hop 200 --out ../speech/commands_translator
"""
import argparse
import json
import pathlib

import onnx
import torch
from torch import nn

import frontend_graph
import hybrid_nets
from make_command_cache import FRONTEND
from speech_frontend import HOPS
from subword import Tokenizer

OPSET = 17
SEARCH = {"beam": 8, "ctc_weight": 0.3, "lm_weight": 0.2, "length_bonus": 0.0, "max_length_ratio": 1.0}


class Call(nn.Module):
    """A graph of one function of tensors; `module` holds the weights."""

    def __init__(self, module, function):
        super().__init__()
        self.module, self.function = module, function

    def forward(self, *inputs):
        return self.function(*inputs)


def write(path, module, function, inputs, outputs):
    """inputs: {name: (example, {axis: dim})}; outputs: {name: {axis: dim}}."""
    axes = {name: dims for name, (_, dims) in inputs.items()} | outputs
    torch.onnx.export(Call(module, function).eval(), tuple(example for example, _ in inputs.values()), str(path),
                      input_names=list(inputs), output_names=list(outputs), opset_version=OPSET,
                      dynamic_axes={name: dims for name, dims in axes.items() if dims})
    onnx.checker.check_model(str(path), full_check=True)


def numbered(name, parts, dims):
    return {f"{name}.{i}": (part, dims_of) for i, (part, dims_of) in enumerate(zip(parts, dims))}


def write_encoder(folder, encoder, mels):
    frames = torch.randn(2, 64, mels)
    if hasattr(encoder, "sorted"):
        encoder.sorted = True
    write(folder / "encoder.onnx", encoder, encoder,
          {"features": (frames, {0: "batch", 1: "frames"}),
           "lengths": (torch.tensor([64, 40]), {0: "batch"})},
          {"encoded": {0: "batch", 1: "steps"}, "encoded_lengths": {0: "batch"}})


def state_dims(state):
    """Axis 0 is of hypotheses, an empty axis grows."""
    return {i: "hypotheses" if i == 0 else "past" for i, extent in enumerate(state.shape) if i == 0 or extent == 0}


def write_memory(folder, prefix, decoder, sources):
    """sources: {name: width}. Returns examples of the memory's parts with their dims, one for all rows."""
    examples = {name: (torch.randn(1, 17 + 6 * i, width), {0: "batch", 1: f"{name}_steps"})
                for i, (name, width) in enumerate(sources.items())}
    parts = decoder.memory(*(example for example, _ in examples.values()))
    dims = []
    for i, part in enumerate(parts):
        name = list(sources)[i // 2 % len(sources)]
        at = list(part.shape).index(examples[name][0].shape[1])
        dims.append({0: "batch", at: f"{name}_steps"})
    write(folder / f"{prefix}memory.onnx", decoder, lambda *x: tuple(decoder.memory(*x)), examples,
          {f"memory.{i}": d for i, d in enumerate(dims)})
    return parts, [{axis: "rows" if axis == 0 else dim for axis, dim in d.items()} for d in dims]


def write_steps(path, decoder, parts, part_dims, lengths, hidden):
    """A decoder or language model, a step a run; `lengths` names the inputs of the sources' lengths."""
    states = [torch.randn([3, *(extent or 2 for extent in state.shape[1:])]) for state in decoder.initial()]
    dims = [state_dims(state) for state in decoder.initial()]
    inputs = {"tokens": (torch.tensor([3, 4, 5, 6]), {0: "beam"}),
              "parents": (torch.tensor([0, 2, 1, 0]), {0: "beam"}),
              **numbered("memory", parts, part_dims),
              **{name: (torch.tensor([part.shape[-1]]), {0: "rows"})
                 for name, part in zip(lengths, parts[::2])},
              **numbered("state", states, dims)}
    count = len(parts)

    def step(tokens, parents, *rest):
        sizes = rest[count:count + len(lengths)]
        scores, rows, new = decoder.step(tokens, parents, rest[:count], sizes, rest[count + len(lengths):])
        return (scores, rows, *new) if hidden else (scores, *new)

    grown = [{axis: "beam" if axis == 0 else "length" for axis in d} for d in dims]
    write(path, decoder, step, inputs,
          {"log_probs": {0: "beam"}, **({"hidden": {0: "beam"}} if hidden else {}),
           **{f"next.{i}": d for i, d in enumerate(grown)}})


def write_recogniser(folder, net, frontend, hidden=False):
    width = net.encoder.width
    normalise = net.normalise
    onnx.save(frontend_graph.build(frontend, normalise.mean.numpy(), normalise.inverse_deviation.numpy()),
              str(folder / "features.onnx"))
    write_encoder(folder, net.encoder, frontend.width)
    write(folder / "ctc.onnx", net.ctc, net.ctc,
          {"encoded": (torch.randn(2, 17, width), {0: "batch", 1: "steps"})}, {"log_probs": {0: "batch", 1: "steps"}})
    parts, dims = write_memory(folder, "", net.decoder, {"encoded": width})
    write_steps(folder / "decoder.onnx", net.decoder, parts, dims, ["memory_lengths"], hidden)


def write_translation(folder, net):
    width = net.recogniser.encoder.width
    write(folder / "bridge.onnx", net.bridge, net.bridge,
          {"hidden": (torch.randn(2, 9, width), {0: "batch", 1: "length"}),
           "lengths": (torch.tensor([9, 4]), {0: "batch"})},
          {"encoded": {0: "batch", 1: "length"}, "encoded_lengths": {0: "batch"}})
    parts, dims = write_memory(folder, "translation_", net.decoder, {"encoded": width, "bridged": width})
    write_steps(folder / "translation_decoder.onnx", net.decoder, parts, dims,
                ["memory_lengths", "bridged_lengths"], False)


def describe(folder, task, frontend, blank, end, language_model, target_end=None):
    facts = {"format": "octet speech bundle", "version": 1, "task": task, "sample_rate": frontend.rate,
             **{part: part + ".onnx" for part in ("features", "encoder", "ctc", "memory", "decoder")},
             **({"lm": "lm.onnx"} if language_model else {}),
             "tokens": "tokens.txt", "blank": blank, "start": end, "end": end,
             "search": {**SEARCH, **({} if language_model else {"lm_weight": 0.0})}}
    if task == "translate":
        facts["translation"] = {"bridge": "bridge.onnx", "memory": "translation_memory.onnx",
                                "decoder": "translation_decoder.onnx", "tokens": "target_tokens.txt",
                                "start": target_end, "end": target_end,
                                "search": {**SEARCH, "ctc_weight": 0.0, "lm_weight": 0.0}}
    with open(folder / "bundle.json", "w", encoding="utf-8") as f:
        json.dump(facts, f, indent=2)
        f.write("\n")


def load(net, path):
    """Of a translator's checkpoint a recogniser takes its own part."""
    state = torch.load(path)
    if "recogniser." in next(iter(state)) and not hasattr(net, "recogniser"):
        prefix = "recogniser."
        state = {name[len(prefix):]: value for name, value in state.items() if name.startswith(prefix)}
    net.load_state_dict(state)
    return net.eval()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--net", choices=[*sorted(hybrid_nets.RECOGNISERS), "translator"], required=True)
    ap.add_argument("--checkpoint", required=True)
    ap.add_argument("--language-model", help="checkpoint of train_language_model.py --net with the same name")
    ap.add_argument("--tokens", required=True)
    ap.add_argument("--target-tokens")
    ap.add_argument("--hop", type=int, choices=HOPS, default=160)
    ap.add_argument("--out", type=pathlib.Path, required=True)
    args = ap.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    frontend = FRONTEND.with_hop(args.hop)
    tokenizer = Tokenizer.read(args.tokens)
    tokenizer.write(args.out / "tokens.txt")
    size = len(tokenizer.tokens)
    if args.net != "translator":
        write_recogniser(args.out, load(hybrid_nets.RECOGNISERS[args.net](size), args.checkpoint), frontend)
        if args.language_model:
            net = load(hybrid_nets.LANGUAGE_MODELS[args.net](size), args.language_model)
            write_steps(args.out / "lm.onnx", net, [], [], [], False)
        describe(args.out, "recognize", frontend, tokenizer.blank, tokenizer.end, bool(args.language_model))
        return
    target = Tokenizer.read(args.target_tokens)
    target.write(args.out / "target_tokens.txt")
    net = load(hybrid_nets.translator(hybrid_nets.conformer(size), len(target.tokens)), args.checkpoint)
    write_recogniser(args.out, net.recogniser, frontend, hidden=True)
    write_translation(args.out, net)
    describe(args.out, "translate", frontend, tokenizer.blank, tokenizer.end, False, target.end)


if __name__ == "__main__":
    main()
