from os import PathLike
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union, overload

import numpy

from octet._octet import NodeArg

class Session:
    def __init__(
        self,
        path: Union[str, "PathLike[str]"],
        *,
        threads: int = 0,
        provider: str = "auto",
        isa: str = "",
        memory: int = 0,
    ) -> None: ...
    def get_inputs(self) -> List[NodeArg]: ...
    def get_outputs(self) -> List[NodeArg]: ...
    @overload
    def run(self, feeds: Mapping[str, Any]) -> Dict[str, numpy.ndarray]: ...
    @overload
    def run(
        self, names: Optional[Sequence[str]], feeds: Mapping[str, Any]
    ) -> List[numpy.ndarray]: ...
