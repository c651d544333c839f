"""Prints the tables of docs/speech.md: bundles in float against the forms that octet makes of them, on sets of
make_command_sets.py.

    python3 speech_table.py --octet PROGRAM --work W --calibration W/commands_calibration \
        --sets synthesised=W/commands recorded=W/recorded --bundles ../speech/commands_*

Each form and the float bundle hear the same by turns on one thread; the difference has its 95% interval over
utterances. Times are of the first set.
"""
import argparse
import json
import pathlib
import shlex
import subprocess

FORMS = {"static": "static int8", "dynamic": "dynamic int8", "fp16": "fp16"}


def run(words):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True).stdout


def quantized(args, bundle, form):
    """The form's folder, made where it isn't there, and its report."""
    out = args.work / f"{bundle.name}.{form}"
    report = args.work / f"{bundle.name}.{form}.json"
    if not report.exists():
        calibration = ["--calibration", args.calibration] if form == "static" else []
        run([args.octet, "quantize", bundle, "-o", out, "--mode", form, *calibration, "--report", report,
             "--threads", 1, *args.isa])
    return out, json.loads(report.read_text())


def evaluated(args, bundle, baseline, folder, weight):
    """What `octet evaluate` prints; kept in the work folder, and taken from there the next time."""
    kept = args.work / f"{bundle.name}.{folder.name}.{weight}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    translates = "translation" in json.loads((bundle / "bundle.json").read_text())
    references = folder / ("translations.txt" if translates else "references.txt")
    options = [] if weight is None else ["--ctc-weight", weight]
    printed = run([*shlex.split(args.under), args.octet, "evaluate", bundle, "--baseline", baseline,
                   "--wavs", folder, "--references", references, "--threads", 1, "--json", *options, *args.isa])
    kept.write_text(printed)
    return json.loads(printed)


def quality(found):
    return f"{found['bleu']:.2f}" if "bleu" in found else f"{100 * found['wer']:.2f}"


def difference(found):
    c = found["comparison"]
    return f"{c['difference']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})"


def rows(args, bundle, form):
    out, _ = quantized(args, bundle, form)
    translates = "translation" in json.loads((bundle / "bundle.json").read_text())
    for weight in [None] if translates else args.weights:
        found = [evaluated(args, out, bundle, folder, weight) for _, folder in args.sets]
        cells = [cell for f in found for cell in (f"{quality(f['baseline'])} → {quality(f)}", difference(f))]
        times = [1 / f["real_time_factor"] for f in (found[0]["baseline"], found[0])]
        yield [bundle.name, FORMS[form], *([] if translates else [weight]), *cells,
               f"{times[0]:.0f} → {times[1]:.0f}", f"{found[0]['comparison']['faster']:.2f}×"]


def size(args, bundle, form):
    parts = {row["part"]: row for row in quantized(args, bundle, form)[1]["parts"]}
    return ", ".join(f"{part} {100 * row['bytes_after'] / row['bytes_before']:.1f}%"
                     f" of {row['bytes_before'] / 1e6:.2f} MB" for part, row in parts.items())


def table(titles, lines):
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    for line in lines:
        print("| " + " | ".join(str(cell) for cell in line) + " |", flush=True)
    print()


def named(text):
    name, folder = text.split("=", 1)
    return name, pathlib.Path(folder)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--octet", required=True)
    ap.add_argument("--work", type=pathlib.Path, required=True, help="folder for the forms")
    ap.add_argument("--calibration", type=pathlib.Path, required=True)
    ap.add_argument("--sets", type=named, nargs="+", required=True, metavar="NAME=FOLDER")
    ap.add_argument("--bundles", type=pathlib.Path, nargs="+", required=True)
    ap.add_argument("--forms", nargs="+", choices=FORMS, default=list(FORMS))
    ap.add_argument("--weights", type=float, nargs="+", default=[0, 0.3, 1])
    ap.add_argument("--under", default="", help="command in front of each measurement")
    ap.add_argument("--isa", help="force an instruction set, of quantizing's measurements, too")
    args = ap.parse_args()
    args.isa = [] if args.isa is None else ["--isa", args.isa]
    args.work.mkdir(parents=True, exist_ok=True)
    translators = [b for b in args.bundles if (b / "translation_decoder.onnx").exists()]
    for metric, bundles in (("WER %", [b for b in args.bundles if b not in translators]), ("BLEU", translators)):
        if not bundles:
            continue
        sets = [f"{name}, {metric}" for name, _ in args.sets]
        weight = [] if metric == "BLEU" else ["CTC weight"]
        titles = ["bundle", "form", *weight, *(t for s in sets for t in (s, "difference, 95%")),
                  "times real time", "faster"]
        table(titles, (row for bundle in bundles for form in args.forms for row in rows(args, bundle, form)))
    for form in args.forms:
        for bundle in args.bundles:
            print(f"- {bundle.name}, {FORMS[form]}: {size(args, bundle, form)}")


if __name__ == "__main__":
    main()
