from array import array
from typing import TypeAlias

_Text: TypeAlias = bytes | bytearray | memoryview
_Durations: TypeAlias = tuple[dict[int, int], int, int, int]
_Run: TypeAlias = tuple[
    str | None,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    dict[str, int],
    _Durations,
    _Durations,
    int | None,
    int | None,
]
Groups: TypeAlias = list[tuple[int, int, list[_Run] | None]]
Scanned: TypeAlias = tuple[int, Groups]
ScannedPart: TypeAlias = tuple[int, int, int, Groups]

def scan(data: _Text, bounds: array[int], longest: int, folder: bytes | None = None) -> Scanned: ...
def scan_file(
    file: int,
    begin: int,
    upto: int,
    is_first: bool,
    limit: int,
    bounds: array[int],
    longest: int,
    folder: bytes | None = None,
    room: int = ...,
) -> ScannedPart | None: ...
