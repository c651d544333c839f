from os import PathLike
from typing import Any, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Union

class QuantizedNode(NamedTuple):
    node: str
    op: str
    outcome: str
    reason: str
    macs: int

def quantize(
    model: Union[str, "PathLike[str]"],
    output: Union[str, "PathLike[str]"],
    calibration: Optional[Iterable[Mapping[str, Any]]] = None,
    *,
    exclude: Sequence[str] = (),
    threads: int = 0,
    memory: int = 0,
    progress: Union[bool, Callable[[str, int, int], Any]] = True,
    **options: Union[str, int, float],
) -> List[QuantizedNode]: ...
