"""octet.quantize against the command line, which must write the same files, and what it says of bad
calibration.

    PYTHONPATH=build/release/python python tests/python/quantize_test.py MODELS PROGRAM
"""

import contextlib
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import octet

PROGRAM = sys.argv.pop(2)
MODELS = pathlib.Path(sys.argv.pop(1))
MLP = MODELS / "digits_mlp" / "digits_mlp.onnx"
INPUT = octet.Session(MLP).get_inputs()[0].name


def samples(count=16):
    rng = np.random.default_rng(3)
    return [{INPUT: rng.random((1, 1, 28, 28), dtype=np.float32)} for _ in range(count)]


class QuantizeTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        self.output = self.folder / "int8.onnx"

    def test_the_file_is_the_one_that_the_command_line_writes(self):
        calibration = samples()
        (self.folder / "samples").mkdir()
        for i, sample in enumerate(calibration):
            np.savez(self.folder / "samples" / f"{i:03}.npz", **sample)
        for form in ("qdq", "integer"):
            other = self.folder / f"{form}.onnx"
            command = [PROGRAM, "quantize", MLP, "-o", other, "--calibration", self.folder / "samples"]
            command += ["--cost-model", "off", "--format", form, "--calibrator", "mse"]
            subprocess.run(command, check=True, capture_output=True)
            octet.quantize(MLP, self.output, calibration, cost_model="off", format=form, calibrator="mse")
            self.assertEqual(self.output.read_bytes(), other.read_bytes())

    def test_anything_that_can_be_iterated_over_is_calibration(self):
        octet.quantize(MLP, self.output, samples(), cost_model="off")
        first = self.output.read_bytes()
        nodes = octet.quantize(MLP, self.output, (s for s in samples()), cost_model="off")
        self.assertEqual(self.output.read_bytes(), first)
        self.assertIn("int8", [node.outcome for node in nodes])

    def test_progress_is_told_and_may_end_it(self):
        stages = []
        octet.quantize(MLP, self.output, samples(), progress=lambda *told: stages.append(told))
        self.assertIn(("calibrating", 16, 16), stages)
        self.output.unlink()
        with self.assertRaises(TimeoutError):
            octet.quantize(MLP, self.output, samples(), progress=lambda *told: False)
        self.assertFalse(self.output.exists())

    def test_a_bar_shows_on_a_terminal_alone(self):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal, pipe = Terminal(), io.StringIO()
        for stderr in (terminal, pipe):
            with contextlib.redirect_stderr(stderr):
                octet.quantize(MLP, self.output, samples())
        self.assertEqual(pipe.getvalue(), "")
        shown = terminal.getvalue()
        # Each step goes to the line's beginning and clears it.
        steps = [step for step in shown.split("\r\x1b[K") if step.startswith("calibrating ")]
        for _, bar, count in map(str.split, steps):
            done, of = map(int, count.split("/"))
            self.assertEqual(bar, ("#" * (30 * done // of)).ljust(30, "."))
        self.assertIn("16/16", steps[-1])
        self.assertTrue(shown.endswith("\n"))

    def test_what_calibration_raises_comes_out(self):
        class Broken(list):
            def __getitem__(self, index):
                raise KeyError("lost")

        with self.assertRaisesRegex(KeyError, "lost"):
            octet.quantize(MLP, self.output, Broken(samples()))
        with self.assertRaisesRegex(ValueError, f"sample 0 lacks input '{INPUT}'"):
            octet.quantize(MLP, self.output, [{"other": np.zeros(1)}])
        with self.assertRaisesRegex(ValueError, "sample 0"):
            octet.quantize(MLP, self.output, [{INPUT: np.zeros((1, 1, 3, 3), np.float32)}])
        self.assertFalse(self.output.exists())

    def test_options_are_those_of_the_command_line(self):
        octet.quantize(MLP, self.output, mode="fp16")
        self.assertLess(self.output.stat().st_size, 0.6 * MLP.stat().st_size)
        with self.assertRaisesRegex(ValueError, "mode can't be 'int7'"):
            octet.quantize(MLP, self.output, mode="int7")
        with self.assertRaisesRegex(ValueError, "can't be 'depth'"):
            octet.quantize(MLP, self.output, depth=3)
        with self.assertRaisesRegex(ValueError, "none.onnx"):
            octet.quantize("none.onnx", self.output, mode="fp16")


if __name__ == "__main__":
    unittest.main()
