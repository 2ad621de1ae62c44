"""However a wrapped log is cut and read, it holds the same lines."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from events.formats.wrappings.unwrapping import Unwrapper
from tests.support import wrapped

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
objects = st.dictionaries(texts, texts | st.integers() | st.none(), max_size=4)
long = st.builds(
    lambda size, char: {"pad": char * size},
    st.integers(16_000, 60_000),
    st.characters(max_codepoint=126),
)
lines = st.lists((objects | long).map(lambda found: json.dumps(found).encode()), max_size=12)
forms = st.sampled_from(sorted(wrapped.EACH))


@given(form=forms, inner=lines)
def test_unwrapping_undoes_wrapping(form, inner):
    wrapping, wrap = wrapped.EACH[form]
    unwrapper = Unwrapper(wrapping)
    assert unwrapper.lines(wrap(inner)).data.splitlines() == inner
    assert unwrapper.state() is None


def mixed(draw) -> tuple[str, list[bytes]]:
    """Records of two writers, mixed as they were written, with some damaged ones among them."""
    wrapping, wrap = wrapped.EACH[draw(st.sampled_from(["docker", "cri", "journald"]))]
    writers = [wrap(draw(lines), name).splitlines(keepends=True) for name in ("stdout", "stderr")]
    damaged = draw(st.lists(st.sampled_from([b"\n", b"damaged\n", b"{}\n", b"\xff\n"]), max_size=3))
    sources = [list(reversed(source)) for source in (*writers, damaged)]
    records = []
    while any(sources):
        records.append(draw(st.sampled_from([s for s in sources if s])).pop())
    return wrapping, records


logs = st.composite(mixed)()


def read(wrapping, records, cuts):
    """Read a log in the pieces that cuts make of it, each by an unwrapper of its own."""
    state: object = None
    offset = 0
    data, offsets, reports = b"", [], []
    for begin, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
        unwrapper = Unwrapper(wrapping, json.loads(json.dumps(state)))
        block = b"".join(records[begin:end])
        result = unwrapper.lines(block, offset, lambda at, why: reports.append((at, why)))
        data += result.data
        offsets += result.offsets
        offset += len(block)
        state = unwrapper.state()
    return data, offsets, reports, state


@given(log=logs, data=st.data())
def test_a_log_read_in_pieces_is_the_same_log(log, data):
    wrapping, records = log
    cuts = sorted(data.draw(st.sets(st.integers(0, len(records)), max_size=5)))
    assert read(wrapping, records, cuts) == read(wrapping, records, [])


records = st.sampled_from(
    [b"{", b"}", b'"log":', b'"MESSAGE":', b'"', b"<34>", b"[", b"]", b"- ", b"\n", b"1 "]
)


@given(
    wrapping=st.sampled_from(["docker", "cri", "journald", "syslog"]),
    data=st.lists(records | st.binary(max_size=5)).map(b"".join),
)
def test_whatever_the_bytes_places_are_those_of_lines(wrapping, data):
    places: list[int] = []
    result = Unwrapper(wrapping).lines(data + b"\n", 7, lambda at, _: places.append(at))
    assert result.data.count(b"\n") == len(result.offsets)
    begins = {7, *(8 + at for at, byte in enumerate(data) if byte == ord("\n"))}
    assert begins.issuperset([*places, *result.offsets])
