from array import array

_Text = bytes | bytearray | memoryview
_Durations = tuple[dict[int, int], int, int, int]
_Run = tuple[
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
Scanned = tuple[int, list[tuple[int, int, list[_Run] | None]]]

def scan(data: _Text, bounds: array[int], longest: int, folder: bytes | None = None) -> Scanned: ...
