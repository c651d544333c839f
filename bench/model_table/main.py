#!/usr/bin/env python3
"""Times octet's fp32 and static int8 of every model that the docs speak of, with the energy of a run, and prints a
Markdown table; makes the int8 files first.

    build/peers/venv/bin/python bench/model_table/main.py --octet build/release/bin/octet

Each form is measured in rounds of `octet bench` by turns, and the round with the shortest median counts, which
other work on the machine disturbed least: its median latency, and the energy of a run; "not measured" on machines
without a meter that octet can read. --page writes one page of `octet report` over all models, --pages one for each
export.
"""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bench" / "side_by_side"), str(ROOT / "models" / "export")]

import forms  # noqa: E402
import large_table  # noqa: E402
import models  # noqa: E402
import numpy as np  # noqa: E402
import sweep  # noqa: E402
import zoo_spec  # noqa: E402

SAMPLES = 4  # For calibration, at each of the points.
COLUMNS = ("model", "at", "MB", "fp32 ms", "int8 ms", "faster", "fp32 mJ", "int8 mJ", "less energy")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--octet", type=pathlib.Path, default="build/release/bin/octet")
    parser.add_argument("--zoo", type=pathlib.Path, default="build/zoo", help="exports of models/export/zoo.py")
    parser.add_argument("--bundles", type=pathlib.Path, default=ROOT / "models" / "speech")
    parser.add_argument("--work", type=pathlib.Path, default="build/model_table", help="int8 files, kept")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="rows whose title has one of these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.08, help="of a round")
    parser.add_argument("--json", type=pathlib.Path, help="where the rows go as well")
    parser.add_argument("--page", type=pathlib.Path, help="where one page of octet report over all rows goes")
    parser.add_argument("--prepare", action="store_true", help="only make the int8 files")
    parser.add_argument("--pages", type=pathlib.Path, help="folder for a page of each export")
    parser.add_argument("--forms", type=pathlib.Path, help="of bench/side_by_side: other engines go into the pages")
    return parser.parse_args()


class Case:
    """A row's float file and its inputs: `points` of (value of the sweep, arrays by name)."""

    def __init__(self, row, source: pathlib.Path, make_inputs):
        self.row, self.source = row, source
        self.points = [(value, make_inputs(value, 0)) for value in row.values]
        self.samples = [make_inputs(value, 1 + i) for i in range(SAMPLES) for value in row.values]


def of_export(arguments, row: models.Export) -> Case:
    description = json.loads((arguments.zoo / f"{row.name}.json").read_text())

    def make_inputs(value: int, seed: int) -> dict:
        return zoo_spec.make_inputs(dict(description, shapes=[row.shapes(value)]), 0, seed)

    return Case(row, (arguments.zoo / description["model"]).resolve(), make_inputs)


def of_graph(arguments, row: models.Graph) -> Case:
    source = arguments.bundles / row.bundle / f"{row.part}.onnx"
    ports = large_table.session(source).get_inputs()
    return Case(row, source, lambda value, _: large_table.inputs(row.part, ports, value))


def int8_of(arguments, case: Case) -> pathlib.Path:
    folder = arguments.work / case.row.title.replace(" ", "_").replace(",", "").replace("'", "")
    target = folder / f"{case.source.stem}.int8.onnx"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        forms.by_octet("static")(arguments, None, case.source, folder, case.samples).rename(target)
    return target


def bench(arguments, model: pathlib.Path, inputs: pathlib.Path) -> dict:
    command = [arguments.octet, "bench", model, "--inputs", inputs, "--json"]
    command += ["--threads", arguments.threads, "--seconds", arguments.seconds]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout)


def measure(arguments, case: Case, files: dict) -> list:
    """A row for each point and form, of the best round."""
    best = {}
    for _ in range(arguments.rounds):
        for value, inputs in case.points:
            np.savez(arguments.work / "inputs.npz", **inputs)
            for form, file in files.items():
                row = bench(arguments, file, arguments.work / "inputs.npz")
                if (value, form) not in best or row["p50_ms"] < best[value, form]["p50_ms"]:
                    best[value, form] = row
    common = {"title": case.row.title, "sweep": case.row.sweep}
    return [dict(row, **common, form=form, value=value) for (value, form), row in best.items()]


def millijoules(row: dict) -> str:
    return "not measured" if row["joules"] is None else f"{1e3 * row['joules']:.3g}"


def cells(fp32: dict, int8: dict) -> list:
    joules = (fp32["joules"], int8["joules"])
    return [
        fp32["title"],
        f"{fp32['sweep']} {fp32['value']}",
        f"{fp32['model_bytes'] / 1e6:.1f} → {int8['model_bytes'] / 1e6:.1f}",
        f"{fp32['p50_ms']:.3g}",
        f"{int8['p50_ms']:.3g}",
        f"{fp32['p50_ms'] / int8['p50_ms']:.2f}×",
        millijoules(fp32),
        millijoules(int8),
        "–" if None in joules else f"{joules[0] / joules[1]:.2f}×",
    ]


def write_page(arguments, case: Case, files: dict) -> None:
    """A page of octet report over the export's sweep, beside the engines whose forms there are."""
    arguments.pages.mkdir(parents=True, exist_ok=True)
    row = case.row
    command = [arguments.octet, "report", *files.values(), "-o", arguments.pages / f"{row.name}.html"]
    command += ["--threads", arguments.threads, "--seconds", arguments.seconds]
    command += ["--sweep", f"{row.axes}={','.join(map(str, row.values))}"]
    command += ["--samples", files["int8"].parent / "samples"]
    if arguments.forms:
        named = argparse.Namespace(**vars(arguments) | {"work": arguments.forms, "remake": False})
        description = dict(json.loads((arguments.zoo / f"{row.name}.json").read_text()))
        paths = forms.make_all(named, dict(description, shapes=[row.shapes(row.values[0])]))
        points = [(row.axes, value, inputs) for value, inputs in case.points]
        peers = arguments.pages / f"{row.name}.peers.json"
        peers.write_text(json.dumps(sweep.rows(arguments, paths, points, arguments.work)))
        command += ["--peers", peers]
    subprocess.run(list(map(str, command)), check=True)


def chosen(arguments) -> list:
    all_rows = [*models.EXPORTS, *models.GRAPHS]
    return [row for row in all_rows if not arguments.only or any(word in row.title for word in arguments.only)]


def print_row(texts) -> None:
    print("| " + " | ".join(texts) + " |", flush=True)


def main() -> None:
    arguments = parse_arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    everything = []
    if not arguments.prepare:
        print_row(COLUMNS)
        print("|" + "---|" * len(COLUMNS))
    for row in chosen(arguments):
        export = isinstance(row, models.Export)
        case = of_export(arguments, row) if export else of_graph(arguments, row)
        files = {"fp32": case.source, "int8": int8_of(arguments, case)}
        if arguments.prepare:
            continue
        rows = measure(arguments, case, files)
        for fp32, int8 in zip(rows[::2], rows[1::2]):
            print_row(cells(fp32, int8))
        everything += rows
        if arguments.pages and export:
            write_page(arguments, case, files)
    kept = arguments.json or arguments.work / "rows.json"
    kept.write_text(json.dumps(everything, indent=1))
    if arguments.page:
        command = [arguments.octet, "report", "--rows", kept, "-o", arguments.page]
        subprocess.run(list(map(str, command)), check=True)


if __name__ == "__main__":
    main()
