"""octet.backend in ONNX's own test runner: every case of the installed onnx ends as it does in `octet
conformance` on the same data, but for those below, where the two compare differently.

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

# The runner holds random numbers to those of NumPy's generator; octet conformance to their shape alone.
RANDOM = {
    "test_bernoulli",
    "test_bernoulli_double",
    "test_bernoulli_double_expanded",
    "test_bernoulli_expanded",
    "test_bernoulli_seed",
    "test_bernoulli_seed_expanded",
}
# Tolerances: the runner takes 2^-6 for bfloat16 and 1e-3 for float16, octet conformance 1e-2 for both.
TOLERANCE = {"test_attention_4d_causal_bf16_expanded", "test_attention_4d_causal_fp16_expanded"}

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


def refusals_skipped(function):
    def call(*arguments, **kwargs):
        try:
            return function(*arguments, **kwargs)
        except NotImplementedError as refusal:
            raise unittest.SkipTest(str(refusal)) from None

    return call


class Backend(octet.backend.OctetBackend):
    """Tells refusals apart, which the runner would count as errors or as passed."""

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        prepared = refusals_skipped(super().prepare)(model, device, **kwargs)
        prepared.run = refusals_skipped(prepared.run)
        return prepared

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        return True


def run_backend(names):
    """Outcome by case, of the cases for the CPU."""
    test = onnx.backend.test.BackendTest(Backend, __name__)
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
    for case in sorted(differ - RANDOM - TOLERANCE):
        print(f"{case}: {outcomes.get(case)}, octet conformance: {ours[case]['status']} {ours[case]['reason']}")
        print("   ", reasons.get(f"{case}_cpu", "").strip().splitlines()[-1:])
    for title, counts in (
        ("octet.backend", collections.Counter(outcomes.values())),
        ("octet conformance", collections.Counter(case["status"] for case in ours.values())),
    ):
        print(f"{title}: " + ", ".join(f"{counts[key]} {key}" for key in ("passed", "failed", "skipped")))
    return 0 if differ == RANDOM | TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
