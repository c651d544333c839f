"""Quantizes the bundled models with octet and with ONNX Runtime, and prints what that cost and brought.

Both get the same models, calibration samples and evaluation sets. A metric's difference is to the
fp32 model in the same runtime; behind it stands the 95% interval of a paired bootstrap over images,
utterances, texts or stretches of words. Latencies are of one thread: medians of the medians of
blocks, in which all forms of both runtimes take turns. What misses a target is named at the end.

    python quantization_table.py --models .. --build ../../build/release/bin
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import bundled
import numpy as np
import onnxruntime_forms

FORMS = ("fp32", "dynamic", "static", "int4", "fp16")
RUNTIMES = ("octet", "onnxruntime")
MLPS = {"digits_mlp": 64, "vae": 64}  # Measured with this batch, too.
LOSS, PERPLEXITY_LOSS, SIZE, SIZED_FROM = 0.1, 0.5, 0.26, 1e6  # The targets of static.


def call(*words) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout


class Octet:
    def __init__(self, args, facts):
        self.args, self.name = args, facts["name"]

    def make(self, form, source, folder):
        target = folder / f"octet.{form}.onnx"
        options = ["--calibration", self.args.calibration / f"{self.name}.calibration"]
        call(self.args.build / "octet", "quantize", source, "-o", target, "--mode", form,
             *(options if form in ("static", "int4") else []))  # fmt: skip
        return target

    def parts(self, model):
        lines = call(self.args.build / "octet_demo", "parts", self.args.models, self.name, model)
        return np.array(lines.split(), np.float64).reshape(-1, 2)

    def timer(self, model, inputs, folder):
        source = folder / f"{model.stem}.inputs.npz"
        np.savez(source, **inputs)
        words = ("bench", model, "--inputs", source, "--json", "--threads", 1, "--seconds", self.args.seconds)
        return lambda: json.loads(call(self.args.build / "octet", *words))["p50_ms"]


class OnnxRuntime:
    def __init__(self, args, facts):
        self.args, self.facts = args, facts
        self.samples = bundled.read_set(facts, args.models)
        self.calibration = bundled.read_set(facts, args.models, "calibration")

    def make(self, form, source, folder):
        return onnxruntime_forms.make(form, source, self.facts, self.calibration, folder)

    def parts(self, model):
        run = onnxruntime_forms.runner(onnxruntime_forms.open_session(model))
        return bundled.parts(self.facts, self.samples, run)

    def timer(self, model, inputs, folder):
        session = onnxruntime_forms.open_session(model)
        return lambda: onnxruntime_forms.median(session, inputs, self.args.seconds)


def inputs_to_time(facts, samples, batch: int) -> dict:
    """The sample in the middle, which the demo times, too; in a batch, with those behind it."""
    first = len(samples) // 2
    chosen = [{**sample.inputs, **bundled.first_states(facts)} for sample in samples[first : first + batch]]
    return {name: np.concatenate([inputs[name] for inputs in chosen]) for name in chosen[0]}


def shown(facts, value: float) -> float:
    """A metric as the table shows it."""
    return 100 * value if is_share(facts) else value


def is_share(facts) -> bool:
    return facts["metric"] in ("accuracy", "word_error_rate")


def difference(facts, before, after, draws: int):
    """(difference, low, high): points, or percent of an unbounded metric; 95% of the draws lie between."""

    def apart(pairs_before, pairs_after):
        a, b = (shown(facts, bundled.metric(facts, pairs)) for pairs in (pairs_before, pairs_after))
        return b - a if is_share(facts) else 100 * (b / a - 1)

    rng = np.random.default_rng(1)
    drawn = [rng.integers(len(before), size=len(before)) for _ in range(draws)]
    apart_drawn = [apart(before[rows], after[rows]) for rows in drawn]
    return (apart(before, after), *np.percentile(apart_drawn, (2.5, 97.5)))


def time_all(args, timers: dict) -> dict:
    """The median of each timer's blocks."""
    blocks = {key: [] for key in timers}
    for _ in range(args.blocks):
        for key, timer in timers.items():
            blocks[key].append(timer())
    return {key: float(np.median(times)) for key, times in blocks.items()}


def measure(args, facts, folder: pathlib.Path) -> dict:
    """Rows by (runtime, form): size, parts, and milliseconds by batch; a string where that failed."""
    source = args.models / facts["name"] / (facts["name"] + ".onnx")
    makers = dict(zip(RUNTIMES, (Octet(args, facts), OnnxRuntime(args, facts))))
    rows, models = {}, {}
    for key in [(runtime, form) for runtime in RUNTIMES for form in FORMS]:
        runtime, form = key
        print(facts["name"], *key, file=sys.stderr, flush=True)
        try:
            model = source if form == "fp32" else makers[runtime].make(form, source, folder)
            rows[key] = {"size": model.stat().st_size, "parts": makers[runtime].parts(model), "ms": {}}
            models[key] = model
        except Exception as failure:  # ONNX Runtime's tools raise types without a common base.
            rows[key] = f"{type(failure).__name__}: {str(failure).splitlines()[0]}"
    for batch in (1, MLPS.get(facts["name"], 1)):
        inputs = inputs_to_time(facts, makers["onnxruntime"].samples, batch)
        timers = {key: makers[key[0]].timer(model, inputs, folder) for key, model in models.items()}
        for key, milliseconds in time_all(args, timers).items():
            rows[key]["ms"][batch] = milliseconds
    return rows


def cells(facts, rows, runtime: str, form: str, draws: int) -> list:
    """Metric, difference with its interval, size, latency."""
    row, base = rows[runtime, form], rows[runtime, "fp32"]
    if isinstance(row, str):
        return ["fails", "", "", ""]
    value = shown(facts, bundled.metric(facts, row["parts"]))
    figures = [f"{value:.4f}" if facts["metric"] == "perplexity" else f"{value:.2f}", ""]
    if form != "fp32":
        unit = "" if is_share(facts) else "%"
        row["difference"] = difference(facts, base["parts"], row["parts"], draws)
        figures[1] = "{:+.2f}{u} [{:+.2f}, {:+.2f}]".format(*row["difference"], u=unit)
    figures.append(f"{row['size'] / 1e6:.2f} MB ({100 * row['size'] / base['size']:.1f}%)")
    ratio = base["ms"][1] / row["ms"][1]
    return figures + [f"{row['ms'][1]:.3f} ({ratio:.2f}×)"]


LABELS = {"accuracy": "correct %", "word_error_rate": "WER %", "elbo_loss": "loss", "perplexity": "perplexity"}


def print_head():
    columns = "metric | difference, 95% interval | size | ms (faster) |"
    print(f"| model, metric | form | octet: {columns} ONNX Runtime: {columns}")
    print("|" + "---|" * 10, flush=True)


def print_model(facts, rows, draws: int):
    for form in FORMS:
        name = f"{facts['name']}, {LABELS[facts['metric']]}" if form == "fp32" else ""
        both = [cell for runtime in RUNTIMES for cell in cells(facts, rows, runtime, form, draws)]
        print("| " + " | ".join([name, form, *both]) + " |", flush=True)


def print_batches(results):
    print("\n| model | batch | runtime | " + " | ".join(FORMS) + " |")
    print("|" + "---|" * (3 + len(FORMS)))
    for facts, rows in results:
        for batch in (1, MLPS.get(facts["name"], 1)):
            for runtime in RUNTIMES if facts["name"] in MLPS else ():
                times = [rows[runtime, form] for form in FORMS]
                texts = ["fails" if isinstance(t, str) else f"{1000 * t['ms'][batch]:.1f} µs" for t in times]
                print("| " + " | ".join([facts["name"], str(batch), runtime, *texts]) + " |")


def misses(facts, rows):
    """What octet misses, a line each."""
    row, base = rows["octet", "static"], rows["octet", "fp32"]
    worse = row["difference"][0] * (-1 if facts["metric"] == "accuracy" else 1)
    limit = PERPLEXITY_LOSS if facts["metric"] == "perplexity" else LOSS
    if worse > limit:
        yield f"{facts['name']}: static loses {worse:.2f}, {limit} allowed"
    share = row["size"] / base["size"]
    if base["size"] > SIZED_FROM and share > SIZE:
        yield f"{facts['name']}: static takes {100 * share:.1f}% of the size, {100 * SIZE:.0f}% allowed"
    if facts["name"] in MLPS:
        for form in FORMS[1:]:
            for batch, milliseconds in rows["octet", form]["ms"].items():
                if milliseconds > base["ms"][batch]:
                    yield f"{facts['name']}: {form} is slower than fp32 at batch {batch}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=pathlib.Path, required=True, help="the models/ folder")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the folder of octet and octet_demo")
    parser.add_argument("--only", nargs="+", help="these models")
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a block")
    parser.add_argument("--draws", type=int, default=2000, help="of the bootstrap")
    args = parser.parse_args()
    args.models = args.models.resolve()
    results = []
    print_head()
    with tempfile.TemporaryDirectory() as name:
        args.calibration = pathlib.Path(name)
        call(args.build / "octet_demo", "prepare", args.models, args.calibration)
        for each in args.only or bundled.names(args.models):
            facts = bundled.read_facts(args.models, each)
            with tempfile.TemporaryDirectory() as folder:
                results.append((facts, measure(args, facts, pathlib.Path(folder))))
            print_model(*results[-1], args.draws)
    print_batches(results)
    print()
    for facts, rows in results:
        for (runtime, form), row in rows.items():
            if isinstance(row, str):
                print(f"- {facts['name']}: {runtime}, {form} fails: {row}")
        for line in misses(facts, rows):
            print(f"- {line}")


if __name__ == "__main__":
    main()
