"""Runs a form of a model block by block: other engines in worker processes, octet by `octet bench`."""

import json
import math
import pathlib
import subprocess
import sys

WORKER = pathlib.Path(__file__).with_name("worker.py")


class Peer:
    """A worker process."""

    def __init__(self, arguments, runtime: str, path, inputs):
        command = [sys.executable, str(WORKER), runtime, str(path), str(inputs), str(arguments.threads)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
        self.usable = self.process.stdout.readline().strip() == "ready"

    def block(self, seconds: float) -> float:
        if not self.usable:
            return math.nan
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return float(answer) if answer else math.nan

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Octet:
    """`octet bench`, a process each block."""

    def __init__(self, arguments, path, inputs):
        self.command = [str(arguments.octet), "bench", str(path), "--inputs", str(inputs), "--json"]
        self.command += ["--threads", str(arguments.threads), "--seconds"]

    def block(self, seconds: float) -> float:
        done = subprocess.run([*self.command, str(seconds)], capture_output=True, text=True)
        if done.returncode != 0:
            return math.nan
        said = json.loads(done.stdout)
        return (said[0] if isinstance(said, list) else said)["p50_ms"]

    def close(self) -> None:
        pass


def start(arguments, runtime: str, path, inputs):
    if isinstance(path, Exception):
        return None
    return (
        Octet(arguments, path, inputs)
        if runtime == "octet"
        else Peer(arguments, runtime, path, inputs)
    )
