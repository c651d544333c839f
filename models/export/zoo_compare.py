#!/usr/bin/env python3
"""Compares octet with ONNX Runtime on every export of the zoo at its three shapes.

Prints a row for each: the largest error of an output relative to its largest magnitude, and the
output that has it. Exit 1 when an error is above the tolerance or octet fails.
"""

import argparse
import pathlib
import sys
import tempfile

import zoo_run
import zoo_spec


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    zoo_run.add_arguments(parser)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    return zoo_run.parse_arguments(parser)


def worst_output(arguments, description: dict, index: int, session, folder) -> tuple:
    """(relative error, output name) of the output that differs most at this shape set."""
    inputs = zoo_spec.make_inputs(description, index, arguments.seed)
    names = zoo_run.output_names(session)
    expected = session.run(None, inputs)
    model = arguments.zoo / description["model"]
    actual = zoo_run.run_octet(arguments, model, inputs, names, folder)
    errors = map(zoo_spec.relative_error, actual, expected)
    return max(zip(errors, names))


def compare(arguments, description: dict, folder: pathlib.Path) -> list:
    """Prints the rows of one export; gives whether each passed."""
    session = zoo_run.open_reference(arguments, arguments.zoo / description["model"])
    passed = []
    for index, shapes in enumerate(description["shapes"]):
        try:
            error, name = worst_output(arguments, description, index, session, folder)
            passed.append(error <= arguments.tolerance)
            detail = f"{error:8.1e} {name}"
        except zoo_run.OctetError as failure:
            passed.append(False)
            detail = str(failure)
        verdict = "PASS" if passed[-1] else "FAIL"
        label = f"{description['name']:24} {zoo_run.show_shapes(shapes)}"
        print(f"{verdict} {label:72} {detail}", flush=True)
    return passed


def main() -> int:
    arguments = parse_arguments()
    descriptions = zoo_spec.load_descriptions(arguments.zoo, arguments.only)
    with tempfile.TemporaryDirectory() as folder:
        rows = [compare(arguments, d, pathlib.Path(folder)) for d in descriptions]
    passed = sum(map(sum, rows))
    failed = sum(map(len, rows)) - passed
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
