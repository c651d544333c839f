"""octet.backend in ONNX's own test runner, as it is: every case of the installed onnx ends as it does in
`octet conformance` on the same data.

    PYTHONPATH=build/release/python python tests/python/backend_test.py PROGRAM
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import octet.backend
import onnx
import onnx.backend.test
from onnx import numpy_helper
from onnx.backend.test.loader import DATA_DIR, load_model_tests

# Random numbers, which ONNX leaves open and the runner would hold to NumPy's generator; neither side runs them.
RANDOM = "test_bernoulli"
KINDS = ("simple", "pytorch-converted", "pytorch-operator")


def write_value(path, value, proto):
    """A file of test data: of an array or proto as the case has it, of the type that the model says."""
    if not hasattr(value, "SerializeToString"):
        which = proto.WhichOneof("value")
        if which == "sequence_type":
            value = numpy_helper.from_list(value)
        elif which == "optional_type":
            value = numpy_helper.from_optional(value)
        elif which == "map_type":
            value = numpy_helper.from_dict(value)
        else:
            value = numpy_helper.from_array(value)
    path.write_bytes(value.SerializeToString())


def write_cases(folder):
    """The node cases as folders of `octet conformance`."""
    for case in load_model_tests(kind="node"):
        if case.name.startswith(RANDOM):
            continue
        target = folder / case.name
        target.mkdir()
        onnx.save(case.model, target / "model.onnx")
        graph = case.model.graph
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data = target / f"test_data_set_{i}"
            data.mkdir()
            for k, value in enumerate(inputs):
                write_value(data / f"input_{k}.pb", value, graph.input[k].type)
            for k, value in enumerate(outputs):
                write_value(data / f"output_{k}.pb", value, graph.output[k].type)


def run_backend(names):
    """Outcome by case, of the cases for the CPU."""
    test = onnx.backend.test.BackendTest(octet.backend, __name__)
    test.exclude(RANDOM)
    result = unittest.TestResult()
    outcomes = {}
    for suite in test.test_cases.values():
        for each in unittest.defaultTestLoader.loadTestsFromTestCase(suite):
            name = each._testMethodName.removesuffix("_cpu")
            if name not in names or not each._testMethodName.endswith("_cpu"):
                continue
            bad, skipped = len(result.failures) + len(result.errors), len(result.skipped)
            each.run(result)
            if len(result.failures) + len(result.errors) > bad:
                outcomes[name] = "failed"
            else:
                outcomes[name] = "skipped" if len(result.skipped) > skipped else "passed"
    reasons = {t._testMethodName: text for t, text in result.failures + result.errors}
    return outcomes, reasons


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_cases(folder)
        folders = [folder, *(pathlib.Path(DATA_DIR) / kind for kind in KINDS)]
        done = subprocess.run([sys.argv[1], "conformance", "--json", *folders], capture_output=True, text=True)
    ours = {case["name"]: case for case in json.loads(done.stdout)["cases"]}
    outcomes, reasons = run_backend(set(ours))
    differ = {case for case in ours if outcomes.get(case) != ours[case]["status"]}
    for case in sorted(differ):
        print(f"{case}: {outcomes.get(case)}, octet conformance: {ours[case]['status']} {ours[case]['reason']}")
        print("   ", reasons.get(f"{case}_cpu", "").strip().splitlines()[-1:])
    for title, counts in (
        ("octet.backend", collections.Counter(outcomes.values())),
        ("octet conformance", collections.Counter(case["status"] for case in ours.values())),
    ):
        print(f"{title}: " + ", ".join(f"{counts[key]} {key}" for key in ("passed", "failed", "skipped")))
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
