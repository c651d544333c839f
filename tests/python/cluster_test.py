"""The cluster example on worker processes of this machine, against one process.

    python tests/python/cluster_test.py MODELS PROGRAM
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import octet
from dask.distributed import Client

# Worker processes import this file, too.
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples" / "cluster"))
import calibrate_and_score as example  # noqa: E402


class ClusterTest(unittest.TestCase):
    model = program = None

    def test_parts_give_what_the_whole_gives(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            samples, results = folder / "samples", folder / "results"
            samples.mkdir()
            rng = np.random.default_rng(1)
            arrays = [rng.random((1 + i % 3, 1, 28, 28), dtype=np.float32) for i in range(20)]
            for i, array in enumerate(arrays):
                np.savez(samples / f"{i:02}.npz", image=array)
            with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=name) as client:
                count = example.calibrate_and_score(client, self.model, samples, folder / "parts.onnx", results, 3, self.program)
            self.assertEqual(count, len(arrays))
            whole = folder / "whole.onnx"
            # Adaptive rounding needs the samples themselves, which a merge doesn't have.
            algorithms = "equalize,smooth_quant,bias_correction"
            command = [self.program, "quantize", self.model, "--calibration", samples, "--algorithms", algorithms, "-o", whole]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            self.assertEqual((folder / "parts.onnx").read_bytes(), whole.read_bytes())
            session = octet.Session(str(whole), threads=1)
            for i, array in enumerate(arrays):
                with np.load(results / f"{i:02}.npz") as scored:
                    for output, wanted in session.run({"image": array}).items():
                        np.testing.assert_array_equal(scored[output], wanted)


if __name__ == "__main__":
    ClusterTest.program = sys.argv.pop(2)
    ClusterTest.model = pathlib.Path(sys.argv.pop(1)) / "digits_mlp" / "digits_mlp.onnx"
    unittest.main()
