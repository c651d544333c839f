"""Calibration and batch scoring on the machines of a Dask cluster.

    python calibrate_and_score.py MODEL SAMPLES OUT RESULTS [--scheduler tcp://HOST:8786] [--parts N]

Each part of the samples (SAMPLES/*.npz, arrays named as the model's inputs) is observed by `octet quantize
--observe-only` where a worker runs; what was observed is merged here into the int8 model OUT, the same as one
run over all samples makes without adaptive rounding. Then the parts are scored with it: RESULTS/*.npz. Workers need octet (the command
and the Python package) and see the same folders. Without --scheduler the workers are processes of this machine.
"""

import argparse
import functools
import pathlib
import subprocess
import tempfile

import numpy as np
import octet
from dask.distributed import Client

OCTET = "octet"


def observe(program, model, samples):
    """What calibration observes of these samples, as the bytes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        here = pathlib.Path(folder)
        (here / "samples").mkdir()
        for sample in samples:
            (here / "samples" / sample.name).symlink_to(sample)
        command = [program, "quantize", model, "--calibration", here / "samples", "--observe-only", "-o", here / "part.obs"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return (here / "part.obs").read_bytes()


def merge(program, model, observations, out):
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / f"{i}.obs" for i in range(len(observations))]
        for file, observed in zip(files, observations):
            file.write_bytes(observed)
        subprocess.run([program, "quantize", model, "--merge", *files, "-o", out], check=True, stdout=subprocess.DEVNULL)


@functools.lru_cache(maxsize=1)
def session(model):
    """Loaded once a worker."""
    return octet.Session(model, threads=1)


def score(model, samples, results):
    """Writes each sample's outputs; how many samples there were."""
    for sample in samples:
        with np.load(sample) as arrays:
            np.savez(results / sample.name, **session(str(model)).run(dict(arrays)))
    return len(samples)


def calibrate_and_score(client, model, samples, out, results, parts, program=OCTET):
    """The samples scored by the int8 model that they made."""
    files = sorted(samples.resolve().glob("*.npz"))
    shares = [files[i::parts] for i in range(parts) if files[i::parts]]
    merge(program, model, client.gather([client.submit(observe, program, model, share) for share in shares]), out)
    results.mkdir(exist_ok=True)
    return sum(client.gather([client.submit(score, out, share, results) for share in shares]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "samples", "out", "results"):
        parser.add_argument(name, type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--scheduler")
    parser.add_argument("--parts", type=int, default=8)
    options = parser.parse_args()
    with Client(options.scheduler) if options.scheduler else Client(threads_per_worker=1) as client:
        count = calibrate_and_score(client, options.model, options.samples, options.out, options.results, options.parts)
    print(f"{count} samples scored")


if __name__ == "__main__":
    main()
