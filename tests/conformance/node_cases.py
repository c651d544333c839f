"""Writes the node cases of the installed onnx as test-case folders: node_cases.py FOLDER.

Releases from 1.18 on bring them as code that computes them, not as files.
"""

import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def to_proto(value, info):
    """A value as the proto that a test folder holds for a port of this type."""
    if isinstance(value, onnx.TensorProto):
        return value
    if info.type.HasField("optional_type"):
        return numpy_helper.from_optional(value, info.name)
    if info.type.HasField("sequence_type"):
        return numpy_helper.from_list(value, info.name)
    if info.type.HasField("map_type"):
        return numpy_helper.from_dict(value, info.name)
    return numpy_helper.from_array(np.asarray(value), info.name)


def write_case(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir(exist_ok=True)
        graph = case.model.graph
        for kind, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, (value, info) in enumerate(zip(values, infos)):
                proto = to_proto(value, info)
                (data / f"{kind}_{i}.pb").write_bytes(proto.SerializeToString())


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    if (folder / "complete").exists():
        return
    for case in collect_testcases(None):
        write_case(case, folder / "node" / case.name)
    (folder / "complete").touch()


if __name__ == "__main__":
    main()
