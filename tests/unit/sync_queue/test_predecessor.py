from __future__ import annotations

import contextlib
import datetime as dt
import pickle
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_queue import predecessor
from sync_queue.errors import InvalidJobError
from sync_queue.predecessor import is_pickle, read_pickled_job

JOB = {
    "scene_id": 7,
    "update_type": "metadata",
    "data": {"title": "Ä \udc80", "tags": ["a", "b"], "rating": 4.5, "ok": True, "none": None},
    "enqueued_at": 1_764_000_000.25,
    "job_key": "scene_7",
    "pqid": 3,
    "large": 2**70,
    "pair": (1, 2),
    "raw": b"\x00\xff",
}
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(-(2**63), 2**63 - 1) | st.none(), inner)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_job_of_plain_values_is_read(protocol):
    job = dict(JOB) if protocol > 2 else {k: v for k, v in JOB.items() if k != "raw"}
    data = pickle.dumps(job, protocol)
    assert is_pickle(data)
    assert read_pickled_job(data) == job


@pytest.mark.parametrize("protocol", [0, 1])
def test_so_is_one_of_the_oldest_protocols(protocol):
    job = {k: v for k, v in JOB.items() if k != "raw"}
    assert read_pickled_job(pickle.dumps(job, protocol)) == job


@given(st.dictionaries(st.text(), PLAIN), st.sampled_from([3, 4, 5]))
def test_it_reads_what_pickle_wrote(job, protocol):
    assert read_pickled_job(pickle.dumps(job, protocol)) == job


def test_shared_values_stay_equal_to_what_was_pickled():
    shared = ["a"]
    job = {"one": shared, "two": shared, "three": [shared, (shared,)]}
    assert read_pickled_job(pickle.dumps(job)) == job


@pytest.mark.parametrize("opcodes", [b"\x80\x02}0}.", b"\x80\x02(0}.", b"\x80\x02}(1."])
def test_a_program_may_also_discard_values_and_marks(opcodes):
    assert read_pickled_job(opcodes) == {}


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("code of the pickle was run",))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        Evil(),
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        print,
        {1},
        frozenset({1}),
        bytearray(b"x"),
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_object_and_every_global_is_refused(value, protocol):
    with pytest.raises(InvalidJobError, match="no plain value"):
        read_pickled_job(pickle.dumps({"data": value}, protocol))


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02\x82\x01.",
        b"Pid\n.",
        b"\x80\x02}Q.",
        b"\x80\x05\x97.",
    ],
    ids=["global", "stack-global", "inst", "extension", "persid", "binpersid", "buffer"],
)
def test_so_is_a_program_made_by_hand(program):
    with pytest.raises(InvalidJobError, match="no plain value"):
        read_pickled_job(program)


@pytest.mark.parametrize("value", [[1], "text", None, 7])
def test_a_pickle_of_something_else_is_no_job(value):
    with pytest.raises(InvalidJobError, match="not a job dict"):
        read_pickled_job(pickle.dumps(value))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80",
        b"\x80\x04.",
        pickle.dumps(JOB)[:-5],
        b"\x80\x04h\x07.",
        b"\x80\x02}K\x01a.",
        b"\x80\x02]K\x01K\x02s.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02K\x01\x87.",
        b"\xff\xff",
        b"I12x\n.",
        b"e",
        b"}2s.",  # sets nothing: two dicts, and no value
    ],
)
def test_a_damaged_pickle_is_told(data):
    with pytest.raises(InvalidJobError, match="damaged"):
        read_pickled_job(data)


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data):
    for start in (b"", b"\x80\x04}", b"\x80\x04}("):
        with contextlib.suppress(InvalidJobError):
            assert isinstance(read_pickled_job(start + data), dict)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_nor_does_a_job_with_bytes_overwritten(at, garbage):
    data = bytearray(pickle.dumps(JOB))
    data[at : at + len(garbage)] = garbage
    with contextlib.suppress(InvalidJobError):
        assert isinstance(read_pickled_job(bytes(data)), dict)


def test_a_large_memo_index_costs_nothing():
    # pickle.loads takes 772 MB for these bytes
    program = b"\x80\x04}r" + struct.pack("<I", 50_000_000) + b"."
    assert read_pickled_job(program) == {}


def test_references_to_references_are_bounded():
    # 40 levels of (x, x) are 2**40 values in some 100 bytes
    program = b"\x80\x02}U\x01a)" + b"2\x86" * 40 + b"s."
    with pytest.raises(InvalidJobError, match="nested deeper than 200 or holds more than"):
        read_pickled_job(program)


def test_a_value_inside_itself_is_refused():
    job: dict[str, object] = {}
    job["self"] = job
    with pytest.raises(InvalidJobError, match="nested deeper"):
        read_pickled_job(pickle.dumps(job))


@pytest.mark.parametrize("key", [("a", 1), b"bytes", 2**70, float("nan"), float("inf")])
def test_keys_that_could_be_made_to_hash_for_ever_are_refused(key):
    with pytest.raises(InvalidJobError, match="key that is neither text nor a number"):
        read_pickled_job(pickle.dumps({key: 1}))


def test_the_size_is_bounded(monkeypatch):
    data = pickle.dumps({"data": "x" * 1000})
    monkeypatch.setattr(predecessor, "MAX_PICKLE_BYTES", len(data))
    assert read_pickled_job(data) == {"data": "x" * 1000}
    with pytest.raises(InvalidJobError, match=f"more than {len(data)}"):
        read_pickled_job(data + b".")


def test_the_number_of_opcodes_is_bounded(monkeypatch):
    data = pickle.dumps({"data": [None] * 1000})
    monkeypatch.setattr(predecessor, "MAX_OPCODES", 500)
    with pytest.raises(InvalidJobError, match="more than 500 opcodes"):
        read_pickled_job(data)
