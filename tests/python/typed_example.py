"""What a typed program writes: types_test.py has mypy check it, strictly. Each line that ends in an ignored error
is wrong on purpose, and mypy must say so."""

import pathlib
from typing import Any, Dict, Iterator, List, Optional, Union

import numpy as np
import octet


def infer(path: pathlib.Path, image: "np.ndarray[Any, np.dtype[np.float32]]") -> Any:
    session = octet.Session(path, threads=2, provider="native", cache="cache")
    by_name: Dict[str, Any] = session.run({"image": image})
    in_order: List[Any] = session.run(None, {"image": image})
    named: List[Any] = session.run(["logits"], {"image": image})
    session.run(["logits"])  # type: ignore[call-overload]
    session.run({"image": image}, None)  # type: ignore[call-overload]
    return by_name["logits"], in_order[0], named[0]


def describe(model: bytes) -> str:
    session = octet.Session(model)
    first = session.get_inputs()[0]
    name: str = first.name
    extents: List[Union[int, str, None]] = first.shape
    first.type = "tensor(float)"  # type: ignore[misc]
    octet.Session(model, 2)  # type: ignore[call-arg]
    octet.Session(3)  # type: ignore[arg-type]
    return f"{octet.__version__} {name} {first.type} {extents}"


def samples() -> Iterator[Dict[str, Any]]:
    for _ in range(8):
        yield {"image": np.zeros((1, 1, 28, 28), np.float32)}


def tell(stage: str, done: int, of: int) -> bool:
    return done < of


def convert(path: str, output: Optional[pathlib.Path]) -> List[str]:
    octet.quantize(path, output, samples())  # type: ignore[arg-type]
    nodes = octet.quantize(path, "out.onnx", samples(), exclude=["fc"], progress=tell, mode="static", activations=16)
    octet.load_ops("ops.so")
    return [f"{node.node} {node.op} {node.outcome}: {node.reason}, {node.macs + 1}" for node in nodes]
