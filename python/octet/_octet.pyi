from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

version: str

_Port = Tuple[str, str, List[Union[int, str, None]]]
_Raw = Tuple[int, Any, Tuple[int, ...]]

class Session:
    def inputs(self) -> List[_Port]: ...
    def outputs(self) -> List[_Port]: ...
    def run(self, feeds: List[_Raw]) -> List[_Raw]: ...

def load(
    path: str, threads: int, provider: str, isa: str, memory: int, cache: str
) -> Session: ...
def load_memory(
    model: bytes, threads: int, provider: str, isa: str, memory: int, cache: str
) -> Session: ...
def quantize(
    model: str,
    output: str,
    words: Sequence[Tuple[str, str]],
    threads: int,
    memory: int,
    samples: int,
    sample: Callable[[int, List[str]], List[_Raw]],
    progress: Optional[Callable[[str, int, int], Any]],
) -> List[Tuple[str, str, str, str, int]]: ...
def load_ops(path: str) -> None: ...
