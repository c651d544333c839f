"""Elements as octet has them and as NumPy does.

What NumPy lacks (bfloat16, the small floats, 2- and 4-bit integers) is of the types of the package
ml_dtypes where that is there, else plain bits. octet packs elements below a byte, the first in the
lowest bits; in arrays each has a byte.
"""

import re

import numpy as np

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

STRING = 8
LIST = 4096


class Element:
    """An element type: octet's number and name, the NumPy type of its bits, its type in ml_dtypes,
    and its bits where they are below 8."""

    def __init__(self, code, name, bits, small=None, packed=0):
        self.code = code
        self.name = name
        self.bits = np.dtype(bits)
        self.dtype = np.dtype(getattr(ml_dtypes, small, bits)) if small and ml_dtypes else self.bits
        self.packed = packed

    def takes(self, dtype):
        return dtype == self.dtype or dtype == self.bits

    def to_raw(self, array):
        """The contiguous array whose bytes octet reads: a view of `array` where it can be."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        if array.dtype != self.bits:
            array = array.view(self.bits)
        return self._pack(array) if self.packed else array

    def from_raw(self, array, dims):
        """The elements in an array of bytes that octet made: a view of it where it can be."""
        if self.packed:
            array = self._unpack(array, dims)
        return array.view(self.dtype).reshape(dims)

    def _pack(self, array):
        per_byte = 8 // self.packed
        codes = array.reshape(-1).view(np.uint8) & ((1 << self.packed) - 1)
        codes = np.concatenate([codes, np.zeros(-len(codes) % per_byte, np.uint8)])
        shifts = np.arange(per_byte, dtype=np.uint8) * self.packed
        return (codes.reshape(-1, per_byte) << shifts).sum(axis=1, dtype=np.uint8)

    def _unpack(self, array, dims):
        shifts = np.arange(8 // self.packed, dtype=np.uint8) * self.packed
        codes = (array.reshape(-1, 1) >> shifts) & ((1 << self.packed) - 1)
        codes = codes.reshape(-1)[: int(np.prod(dims, dtype=np.int64))].reshape(dims)
        if self.bits == np.int8:
            sign = 1 << (self.packed - 1)
            codes = (codes ^ sign).view(np.int8) - np.int8(sign)
        return codes


ELEMENTS = [
    Element(1, "float", "f4"),
    Element(2, "uint8", "u1"),
    Element(3, "int8", "i1"),
    Element(4, "uint16", "u2"),
    Element(5, "int16", "i2"),
    Element(6, "int32", "i4"),
    Element(7, "int64", "i8"),
    Element(9, "bool", "?"),
    Element(10, "float16", "f2"),
    Element(11, "double", "f8"),
    Element(12, "uint32", "u4"),
    Element(13, "uint64", "u8"),
    Element(16, "bfloat16", "u2", "bfloat16"),
    Element(17, "float8e4m3fn", "u1", "float8_e4m3fn"),
    Element(18, "float8e4m3fnuz", "u1", "float8_e4m3fnuz"),
    Element(19, "float8e5m2", "u1", "float8_e5m2"),
    Element(20, "float8e5m2fnuz", "u1", "float8_e5m2fnuz"),
    Element(21, "uint4", "u1", "uint4", 4),
    Element(22, "int4", "i1", "int4", 4),
    Element(23, "float4e2m1", "u1", "float4_e2m1fn", 4),
    Element(24, "float8e8m0", "u1", "float8_e8m0fnu"),
    Element(25, "uint2", "u1", "uint2", 2),
    Element(26, "int2", "i1", "int2", 2),
]
BY_CODE = {element.code: element for element in ELEMENTS}
BY_NAME = {element.name: element for element in ELEMENTS}


def split_type(text):
    """("tensor", its element's name), ("sequence" or "optional", a type) or ("map", key, type) of a
    type as octet writes it: "sequence(float[n,80])"."""
    match = re.fullmatch(r"(sequence|optional)\((.*)\)", text)
    if match:
        return match[1], split_type(match[2])
    match = re.fullmatch(r"map\((\w+), ?(.*)\)", text)
    if match:
        return "map", match[1], split_type(match[2])
    return "tensor", re.match(r"\w+", text)[0]


def type_name(kind):
    """The type as ONNX Runtime writes it: "seq(tensor(float))"."""
    if kind[0] == "tensor":
        return f"tensor({kind[1]})"
    if kind[0] == "map":
        return f"map({kind[1]},{type_name(kind[2])})"
    return ("seq" if kind[0] == "sequence" else "optional") + f"({type_name(kind[1])})"


def as_array(value):
    """`value` as an array: itself, a view of what speaks DLPack, or made of numbers."""
    if isinstance(value, np.ndarray) or not hasattr(value, "__dlpack__"):
        return np.asarray(value)
    return np.from_dlpack(value)


def strings_to_raw(array):
    array = np.asarray(array)
    values = [text.encode() if isinstance(text, str) else bytes(text) for text in array.reshape(-1)]
    return STRING, values, array.shape


def to_raw(value, kind, name):
    """What the extension module takes for `value`, and gives as an array of bytes: (code, array,
    dims); for strings a list of bytes and for lists one of such tuples in place of the array."""
    if kind[0] == "tensor":
        if kind[1] == "string":
            return strings_to_raw(value)
        element = BY_NAME[kind[1]]
        array = as_array(value)
        if not element.takes(array.dtype):
            raise TypeError(f"input {name!r} takes {element.name}, got {array.dtype}")
        return element.code, element.to_raw(array), array.shape
    if kind[0] == "map":
        entries = [np.array(list(value.keys())), np.array(list(value.values()))]
        kinds = [("tensor", kind[1]), kind[2]]
    else:
        entries = value if kind[0] == "sequence" else ([] if value is None else [value])
        kinds = [kind[1]] * len(entries)
    raw = [to_raw(entry, each, name) for entry, each in zip(entries, kinds)]
    return LIST, raw, (len(raw),)


def from_raw(raw, kind):
    """The value that the extension module's tuple stands for: an array, a list, a dict, or None."""
    code, data, dims = raw
    if code == STRING:
        texts = np.empty(len(data), dtype=object)
        texts[:] = [text.decode() for text in data]
        return texts.reshape(dims)
    if code != LIST:
        return BY_CODE[code].from_raw(data, dims)
    if kind[0] == "map":
        keys, values = (from_raw(each, ("tensor", "")) for each in data)
        return dict(zip(keys.tolist(), values.tolist()))
    entries = [from_raw(each, kind[1]) for each in data]
    if kind[0] == "sequence":
        return entries
    return entries[0] if entries else None
