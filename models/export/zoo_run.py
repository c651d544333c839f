"""Runs one model in octet and in ONNX Runtime on the same inputs."""

import argparse
import pathlib
import subprocess

import numpy as np
import onnxruntime

OPTIMIZATIONS = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}


class OctetError(Exception):
    """octet exited with an error; the message is the last line that it wrote."""


def add_program_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--zoo", type=pathlib.Path, default="build/zoo", help="folder of exports")
    parser.add_argument("--octet", type=pathlib.Path, default="build/release/bin/octet")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="only these exports")
    parser.add_argument("--threads", type=int, default=1, help="(default: 1)")
    parser.add_argument("--seed", type=int, default=7, help="of the random inputs")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for a call of octet")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_program_arguments(parser)
    parser.add_argument("--provider", help="forwarded to octet run")
    parser.add_argument(
        "--ort-optimizations",
        choices=OPTIMIZATIONS,
        default="none",
        help="of the reference; beyond none its fused integer kernels round in other places",
    )


def parse_arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    arguments = parser.parse_args()
    if not arguments.octet.is_file():
        parser.error(f"no program at {arguments.octet}: build it or say --octet PATH")
    return arguments


def call_octet(arguments: argparse.Namespace, *words) -> str:
    """What octet writes to stdout."""
    command = [str(arguments.octet), *map(str, words)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=arguments.timeout)
    except subprocess.TimeoutExpired as late:
        raise OctetError(f"no end after {arguments.timeout:g} s") from late
    if done.returncode != 0:
        lines = (done.stderr.strip() or "no message").splitlines()
        raise OctetError(f"exit {done.returncode}: {lines[-1]}")
    return done.stdout


def run_octet(arguments, model: pathlib.Path, inputs: dict, names: list, folder: pathlib.Path):
    """The outputs of these names, in their order; folder takes the files of the call."""
    source, target = folder / "inputs.npz", folder / "outputs"
    np.savez(source, **inputs)
    for old in target.glob("*.npy"):
        old.unlink()
    options = ["--threads", arguments.threads]
    if arguments.provider:
        options += ["--provider", arguments.provider]
    call_octet(arguments, "run", model, "--inputs", source, "--output-dir", target, *options)
    files = [target / (name.replace("/", "_").replace(":", "_") + ".npy") for name in names]
    missing = [path.name for path in files if not path.exists()]
    if missing:
        raise OctetError(f"no {', '.join(missing)} among the outputs")
    return [np.load(path) for path in files]


def open_reference(arguments, model) -> onnxruntime.InferenceSession:
    """model: the path of a file, or the bytes of one."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = OPTIMIZATIONS[arguments.ort_optimizations]
    options.intra_op_num_threads = arguments.threads
    options.log_severity_level = 4  # Failures come as exceptions.
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def output_names(session: onnxruntime.InferenceSession) -> list:
    return [output.name for output in session.get_outputs()]


def show_shapes(shapes: dict) -> str:
    """'image 1x3x224x224' for each input."""
    return ", ".join(f"{name} {'x'.join(map(str, dims))}" for name, dims in shapes.items())
