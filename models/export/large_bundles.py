"""Writes bundles with random weights in the sizes of full recognisers and translators: for tables of size and
latency, nothing that they say means anything.

    python3 large_bundles.py --out-dir W/large [conformer lstm lm_lstm lm_transformer translator]

conformer: 83.5M encoder, 2.6M CTC head, 30.4M attention decoder. lstm: 8.2M in all. translator: 57.6M.
80 log-mels; 5,000 tokens (lstm: 500; of the translator's target: 6,400).
"""
import argparse
import pathlib

import torch

import export_bundle
from attention_decoders import Bridge, LstmDecoder, LstmLanguageModel, TransformerDecoder
from hybrid_encoders import ConformerEncoder, LstmEncoder
from hybrid_nets import Recogniser, Translator
from speech_frontend import Frontend
from subword import BLANK, END, MARK, Tokenizer

FRONTEND = Frontend(mels=80, low=0.0, high=8000.0, slaney=True)


def conformer(tokens, dim=512, heads=8, decoders=6, channels=512, dropout=0.0):
    encoder = ConformerEncoder(80, dim, 12, heads, 31, channels, 1023, dropout)
    return Recogniser(encoder, lambda v, width: TransformerDecoder(v, dim, decoders, heads, 2048, (width,),
                                                                   dropout=dropout), tokens, 80)


def lstm(tokens):
    return Recogniser(LstmEncoder(80, 288, 3, 3, 0.0),
                      lambda v, width: LstmDecoder(v, width, 416, 256, 256, 288, 0.0), tokens, 80)


def translator(tokens, targets):
    return Translator(conformer(tokens, 256, 4, 6, 256), Bridge(256, 4, 4, 2048),
                      TransformerDecoder(targets, 256, 8, 4, 2048, (256, 256)))


def vocabulary(size):
    """Made-up words."""
    return Tokenizer([BLANK, END, *(f"{MARK}t{i}" for i in range(size - 2))])


def write(name, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokens = vocabulary(500 if name == "lstm" else 5000)
    size = len(tokens.tokens)
    tokens.write(folder / "tokens.txt")
    if name.startswith("lm_"):
        net = LstmLanguageModel(size, 1024) if name == "lm_lstm" else TransformerDecoder(size, 512, 12, 8, 2048)
        export_bundle.write_steps(folder / "lm.onnx", net.eval(), [], [], [], False)
        return net
    if name == "translator":
        targets = vocabulary(6400)
        targets.write(folder / "target_tokens.txt")
        net = translator(size, len(targets.tokens)).eval()
        export_bundle.write_recogniser(folder, net.recogniser, FRONTEND, hidden=True)
        export_bundle.write_translation(folder, net)
    else:
        net = {"conformer": conformer, "lstm": lstm}[name](size).eval()
        export_bundle.write_recogniser(folder, net, FRONTEND)
    export_bundle.describe(folder, "translate" if name == "translator" else "recognize", FRONTEND, tokens.blank,
                           tokens.end, False, tokens.end)
    return net


def main():
    names = ["conformer", "lstm", "lm_lstm", "lm_transformer", "translator"]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("names", nargs="*", metavar="NAME", help="some of " + ", ".join(names))
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--out-dir", type=pathlib.Path, required=True)
    args = ap.parse_args()
    for name in args.names or names:
        torch.manual_seed(args.seed)
        net = write(name, args.out_dir / name)
        parts = {part: sum(p.numel() for p in child.parameters()) for part, child in net.named_children()}
        print(f"{name}: {sum(p.numel() for p in net.parameters()) / 1e6:.1f}M parameters;",
              ", ".join(f"{part} {count / 1e6:.1f}M" for part, count in parts.items() if count > 1e4))


if __name__ == "__main__":
    main()
