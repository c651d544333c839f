"""Running models."""

import os

from octet import _octet
from octet.elements import from_raw, split_type, to_raw, type_name


class NodeArg:
    """An input or output of a model: name, type ("tensor(float)"), shape (extents; a name or None
    where one is free)."""

    def __init__(self, name, text, shape):
        self.name = name
        self.shape = shape
        self.kind = split_type(text)

    @property
    def type(self):
        return type_name(self.kind)

    def __repr__(self):
        return f"NodeArg(name={self.name!r}, type={self.type!r}, shape={self.shape})"


class Session:
    """A compiled model. Runs may come from several threads at once.

    model: a file's path, or a model's bytes.
    threads: how many a run uses at most; 0: the cores that this process may use.
    provider: "auto", "native", "onednn", "xnnpack" or "reference".
    isa: "avx2", "avx512vnni", "neon", …; "": the strongest that the CPU has.
    memory: bytes that the session may take; 0: no limit.
    cache: a folder of packed weights, for faster loading from the second time on; "": none.

    Raises ValueError (bad model or data), NotImplementedError (an operator, type or opset that octet
    lacks), MemoryError (a limit, or no memory left), TimeoutError.
    """

    def __init__(self, model, *, threads=0, provider="auto", isa="", memory=0, cache=""):
        in_memory = isinstance(model, (bytes, bytearray, memoryview))
        what = bytes(model) if in_memory else os.fspath(model)
        load = _octet.load_memory if in_memory else _octet.load
        self._session = load(what, threads, provider, isa, memory, os.fspath(cache))
        self._inputs = [NodeArg(*each) for each in self._session.inputs()]
        self._outputs = [NodeArg(*each) for each in self._session.outputs()]

    def get_inputs(self):
        """A NodeArg (name, type, shape) for each input."""
        return list(self._inputs)

    def get_outputs(self):
        """A NodeArg (name, type, shape) for each output."""
        return list(self._outputs)

    def run(self, *arguments):
        """run(feeds) gives a dict of all outputs; run(names, feeds) a list of those named, or of all
        where names is None.

        feeds: arrays by the inputs' names, of the inputs' element types (octet.elements says which
        arrays hold those that NumPy lacks); lists for sequences, None or a value for optionals, dicts
        for maps. Arrays that are contiguous aren't copied; nor are results.
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
        raw = [to_raw(feeds[each.name], each.kind, each.name) for each in self._inputs]
        results = self._session.run(raw)
        return [from_raw(each, output.kind) for each, output in zip(results, self._outputs)]
