from os import PathLike
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union, overload

class NodeArg:
    name: str
    shape: List[Union[int, str, None]]
    def __init__(self, name: str, text: str, shape: List[Union[int, str, None]]) -> None: ...
    @property
    def type(self) -> str: ...

class Session:
    def __init__(
        self,
        model: Union[str, "PathLike[str]", bytes, bytearray, memoryview],
        *,
        threads: int = 0,
        provider: str = "auto",
        isa: str = "",
        memory: int = 0,
        cache: Union[str, "PathLike[str]"] = "",
    ) -> None: ...
    def get_inputs(self) -> List[NodeArg]: ...
    def get_outputs(self) -> List[NodeArg]: ...
    @overload
    def run(self, feeds: Mapping[str, Any]) -> Dict[str, Any]: ...
    @overload
    def run(self, names: Optional[Sequence[str]], feeds: Mapping[str, Any]) -> List[Any]: ...
