"""ONNX inference with int8 kernels.

>>> session = octet.Session("model.int8.onnx")
>>> session.run({"x": array})["y"]
>>> octet.quantize("model.onnx", "model.int8.onnx", calibration=samples)
"""

from octet._octet import load_ops
from octet._octet import version as __version__
from octet.quantization import QuantizedNode, quantize
from octet.session import NodeArg, Session

__all__ = ["NodeArg", "QuantizedNode", "Session", "__version__", "load_ops", "quantize"]
