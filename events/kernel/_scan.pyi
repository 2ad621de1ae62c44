from collections.abc import Buffer

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

def scan(
    data: Buffer, bounds: Buffer, folder: bytes | None = None
) -> list[tuple[int, int, list[_Run] | None]]: ...
