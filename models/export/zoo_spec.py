"""What one export of the zoo is, and how its inputs are filled.

Needs NumPy only, so that the scripts that merely run exports do not load PyTorch.
"""

import dataclasses
import json
import pathlib
from typing import Any, Callable, Optional

import numpy as np


@dataclasses.dataclass(frozen=True)
class Port:
    """An input or output of a model.

    dims: one entry an axis, an int where it is fixed and a name where it is dynamic.
    fill: how to make an input up (see fill_array); None for outputs.
    """

    name: str
    dims: tuple
    dtype: str = "float32"
    fill: Optional[dict] = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """One model of the zoo.

    build: returns the torch module in eval mode; called after torch.manual_seed(seed).
    cases: three bindings of every dynamic dimension; the first is the one that is traced.
    keep_batch_norm: leave BatchNormalization nodes in the file, which PyTorch folds otherwise.
    """

    name: str
    build: Callable[[], Any]
    inputs: tuple
    outputs: tuple
    cases: tuple
    settings: dict
    opset: int = 17
    seed: int = 1
    keep_batch_norm: bool = False

    def describe(self, opset: int) -> dict:
        """The contents of NAME.json."""
        shapes = [{p.name: bind(p.dims, case) for p in self.inputs} for case in self.cases]
        return {
            "name": self.name,
            "model": self.name + ".onnx",
            "opset": opset,
            "seed": self.seed,
            "settings": dict(self.settings, keep_batch_norm=self.keep_batch_norm),
            "inputs": [describe_input(p) for p in self.inputs],
            "outputs": [{"name": p.name, "dims": list(p.dims)} for p in self.outputs],
            "shapes": shapes,
        }


def describe_input(port: Port) -> dict:
    return {"name": port.name, "dtype": port.dtype, "dims": list(port.dims), "fill": port.fill}


def bind(dims, case: dict) -> list:
    return [d if isinstance(d, int) else case[d] for d in dims]


def normal(std: float = 1.0, mean: float = 0.0) -> dict:
    return {"kind": "normal", "mean": mean, "std": std}


def integers(low: int, high: int) -> dict:
    """Uniform in [low, high)."""
    return {"kind": "integers", "low": low, "high": high}


def prefix_mask(least: float = 0.5, most: float = 1.0) -> dict:
    """Rows of ones followed by zeros; the ones take a share of a row between these bounds."""
    return {"kind": "prefix_mask", "least": least, "most": most}


def lengths(of: str, axis: int, least: float = 0.5) -> dict:
    """Lengths of the rows of input `of`; the first row takes the whole axis."""
    return {"kind": "lengths", "of": of, "axis": axis, "least": least}


def fill_array(fill: dict, shape: list, dtype: str, shapes: dict, rng) -> np.ndarray:
    """An array of this shape after the recipe; shapes holds the shapes of all inputs."""
    kind = fill["kind"]
    if kind == "normal":
        return rng.normal(fill["mean"], fill["std"], shape).astype(dtype)
    if kind == "integers":
        return rng.integers(fill["low"], fill["high"], shape).astype(dtype)
    if kind == "prefix_mask":
        least, most = (max(1, int(fill[key] * shape[-1])) for key in ("least", "most"))
        ends = rng.integers(least, most + 1, shape[:-1])
        return (np.arange(shape[-1]) < ends[..., None]).astype(dtype)
    if kind == "lengths":
        longest = shapes[fill["of"]][fill["axis"]]
        values = rng.integers(max(1, int(fill["least"] * longest)), longest + 1, shape)
        values[0] = longest
        return values.astype(dtype)
    raise ValueError(f"unknown fill kind '{kind}'")


def make_inputs(description: dict, shape_index: int, seed: int) -> dict:
    """Seeded arrays by input name, for the shape set of this index."""
    shapes = description["shapes"][shape_index]
    rng = np.random.default_rng([seed, shape_index])
    return {
        i["name"]: fill_array(i["fill"], shapes[i["name"]], i["dtype"], shapes, rng)
        for i in description["inputs"]
    }


def write_samples(description: dict, count: int, seed: int, folder: pathlib.Path) -> None:
    """A sample folder whose samples go through the shape sets in turn."""
    folder.mkdir()
    for number in range(count):
        index = number % len(description["shapes"])
        inputs = make_inputs(description, index, seed + 1 + number)
        np.savez(folder / f"sample{number}.npz", **inputs)


def load_descriptions(folder: pathlib.Path, only: list) -> list:
    """The descriptions in a zoo folder by name; only narrows the choice to these names."""
    found = {p.stem: json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))}
    missing = [name for name in only if name not in found]
    if missing:
        raise SystemExit(f"{folder} holds no {', '.join(missing)}: run models/export/zoo.py first")
    if not found:
        raise SystemExit(f"{folder} holds no exports: run models/export/zoo.py first")
    return [found[name] for name in (only or found)]


def largest_difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Of the finite values; inf where types, shapes, integers or the non-finite values differ."""
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(got[~finite], expected[~finite], equal_nan=True):
        return float("inf")
    if not np.issubdtype(expected.dtype, np.floating):
        return 0.0 if np.array_equal(got, expected) else float("inf")
    if not np.isfinite(got[finite]).all():
        return float("inf")
    difference = np.abs(got[finite].astype(np.float64) - expected[finite])
    return float(difference.max(initial=0.0))


def relative_to(difference: float, unit: float) -> float:
    return difference / unit if unit > 0 else float("inf" if difference > 0 else 0)


def relative_error(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference over the largest finite magnitude expected."""
    magnitude = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    return relative_to(largest_difference(got, expected), float(magnitude))
