"""octet as a backend of ONNX's Python backend interface and its test runner.

    backend_test = onnx.backend.test.BackendTest(octet.backend, __name__)
"""

import contextlib
import unittest

from onnx.backend.base import Backend, BackendRep

from octet.session import Session


class Refused(NotImplementedError, unittest.SkipTest):
    """An operator, type or opset that octet refuses by name: the test runner counts it as skipped."""


@contextlib.contextmanager
def _refusals_told_apart():
    try:
        yield
    except NotImplementedError as refusal:
        raise Refused(str(refusal)) from None


class _Prepared(BackendRep):
    def __init__(self, session):
        self._session = session

    def run(self, inputs, **kwargs):
        names = [argument.name for argument in self._session.get_inputs()]
        with _refusals_told_apart():
            return tuple(self._session.run(None, dict(zip(names, inputs))))


# What `prepare` takes of Session's; the runner passes its own as well.
_OPTIONS = ("threads", "provider", "isa", "memory")


class OctetBackend(Backend):
    """Runs on the CPU."""

    @classmethod
    def is_compatible(cls, model, device="CPU", **kwargs):
        try:
            cls.prepare(model, device, **kwargs)
        except Refused:
            return False
        return True

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        options = {name: value for name, value in kwargs.items() if name in _OPTIONS}
        with _refusals_told_apart():
            return _Prepared(Session(model.SerializeToString(), **options))

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"


is_compatible = OctetBackend.is_compatible
prepare = OctetBackend.prepare
run_model = OctetBackend.run_model
run_node = OctetBackend.run_node
supports_device = OctetBackend.supports_device
