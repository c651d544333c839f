"""Running models."""

import os

import numpy as np

from octet import _octet


def _array(value):
    """`value` as an array: itself, a view of what speaks DLPack, or made of numbers."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value)


class Session:
    """A compiled model. Runs may come from several threads at once.

    threads: how many a run uses at most; 0: the cores that this process may use.
    provider: "auto", "native", "onednn", "xnnpack" or "reference".
    isa: "avx2", "avx512vnni", "neon", …; "": the strongest that the CPU has.
    memory: bytes that the session may take; 0: no limit.

    Raises ValueError (bad model or data), NotImplementedError (an operator, type or opset that octet
    lacks), MemoryError (a limit, or no memory left), TimeoutError.
    """

    def __init__(self, path, *, threads=0, provider="auto", isa="", memory=0):
        self._session = _octet.Session(os.fspath(path), threads, provider, isa, memory)
        self._inputs = self._session.inputs()
        self._outputs = self._session.outputs()

    def get_inputs(self):
        """A NodeArg (name, type, shape) for each input."""
        return list(self._inputs)

    def get_outputs(self):
        """A NodeArg (name, type, shape) for each output."""
        return list(self._outputs)

    def run(self, *arguments):
        """run(feeds) gives a dict of all outputs; run(names, feeds) a list of those named, or of all
        where names is None.

        feeds: arrays by the inputs' names, of the inputs' element types; bfloat16 as uint16. Arrays
        that are contiguous aren't copied; nor are results.
        """
        if len(arguments) not in (1, 2):
            raise TypeError("run takes feeds, or names of outputs and feeds")
        results = dict(zip((o.name for o in self._outputs), self._run(arguments[-1])))
        if len(arguments) == 1:
            return results
        names = arguments[0] or list(results)
        unknown = [name for name in names if name not in results]
        if unknown:
            raise ValueError(f"the model has no output {unknown[0]!r}")
        return [results[name] for name in names]

    def _run(self, feeds):
        known = [argument.name for argument in self._inputs]
        missing = [name for name in known if name not in feeds]
        if missing:
            raise ValueError(f"input {missing[0]!r} is missing")
        unknown = [name for name in feeds if name not in known]
        if unknown:
            raise ValueError(f"the model has no input {unknown[0]!r}")
        return self._session.run([_array(feeds[name]) for name in known])
