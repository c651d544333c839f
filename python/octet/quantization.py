"""Making int8 models."""

import collections.abc
import os
import sys
import typing

from octet import _octet
from octet.elements import ELEMENTS, as_array, strings_to_raw


class QuantizedNode(typing.NamedTuple):
    """What became of a node: "int8", "float", or "int16", "int4", "fp16" for what is only stored so."""

    node: str
    op: str
    outcome: str
    reason: str
    macs: int


class _Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    WIDTH = 30

    def __init__(self):
        self._open = False

    def __call__(self, stage, done, all_of_them):
        if not sys.stderr.isatty():
            return
        filled = self.WIDTH * done // all_of_them if all_of_them else 0
        bar = "#" * filled + "." * (self.WIDTH - filled) if all_of_them else ""
        count = f"{done}/{all_of_them}" if all_of_them else f"{done}"
        sys.stderr.write(f"\r\x1b[K{stage} {bar} {count}")
        sys.stderr.flush()
        self._open = True

    def close(self):
        if self._open:
            sys.stderr.write("\n")


def _raw(value):
    """A sample's array by its own element type."""
    array = as_array(value)
    if array.dtype.kind in "OSU":
        return strings_to_raw(array)
    for element in ELEMENTS:
        if array.dtype == element.dtype:
            return element.code, element.to_raw(array), array.shape
    raise TypeError(f"a sample has elements of {array.dtype}, which no model takes")


def quantize(
    model,
    output,
    calibration=None,
    *,
    exclude=(),
    threads=0,
    memory=0,
    progress=True,
    **options,
):
    """Quantizes the float model of the file `model` into the file `output`, which appears whole or
    not at all. Returns what became of each node.

    calibration: dicts of arrays by the inputs' names, one a sample; shapes may differ. A sequence is
    read as samples are needed, several times over; anything else that can be iterated over is kept
    in memory. Static mode, the default, needs it.
    progress: True for a bar where stderr is a terminal, False for none, or a function (stage, done,
    all) whose result False ends the quantization.
    options: those of `octet quantize` with underscores: mode="dynamic", format="integer",
    calibrator="percentile", activations=16, states=8, block_size=32, max_loss=40, cost_model="off", …

    Raises as Session does, and what `calibration` raises.
    """
    samples = calibration if calibration is not None else []
    if not isinstance(samples, collections.abc.Sequence):
        samples = list(samples)
    bar = _Bar() if progress is True else None
    tell = bar or progress or None

    def sample(index, names):
        feeds = samples[index]
        missing = [name for name in names if name not in feeds]
        if missing:
            raise ValueError(f"sample {index} lacks input {missing[0]!r}")
        return [_raw(feeds[name]) for name in names]

    words = [(name.replace("_", "-"), str(word)) for name, word in options.items()]
    words += [("exclude", name) for name in exclude]
    try:
        rows = _octet.quantize(
            os.fspath(model), os.fspath(output), words, threads, memory, len(samples), sample, tell
        )
    finally:
        if bar:
            bar.close()
    return [QuantizedNode(*row) for row in rows]
