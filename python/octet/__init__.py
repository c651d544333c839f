"""ONNX inference with int8 kernels.

>>> session = octet.Session("model.int8.onnx")
>>> session.run({"x": array})["y"]
"""

from octet._octet import NodeArg
from octet._octet import version as __version__
from octet.session import Session

__all__ = ["NodeArg", "Session", "__version__"]
