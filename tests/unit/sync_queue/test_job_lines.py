from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.limits import MAX_DEPTH
from sync_queue.errors import InvalidJobError
from sync_queue.job_lines import MAX_LINE_BYTES, dump, load, parse_job, read_jobs
from sync_queue.jobs import NewJob

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet=st.characters(codec=None, categories=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def nested(depth):
    return "[" * depth + "]" * depth


def test_a_full_line_becomes_a_job():
    line = b'{"scene_id":7,"update_type":"image","data":{"path":"/a.mkv"},"job_key":"scene_7"}\n'
    assert parse_job(line) == NewJob(
        scene_id=7, kind="image", data={"path": "/a.mkv"}, job_key="scene_7"
    )


def test_everything_but_the_braces_may_be_missing():
    expected = NewJob(scene_id=None, kind="metadata", data={}, job_key=None)
    assert parse_job("{}") == expected
    assert parse_job('{"scene_id":null,"job_key":null}') == expected


@pytest.mark.parametrize("data", ["null", "[]", "3", '"text"', "false"])
def test_data_may_be_any_json(data):
    assert parse_job(f'{{"data":{data}}}').data == json.loads(data)


def test_lone_surrogates_and_large_integers_stay_as_they_are():
    line = '{"data":{"a":"\\ud800","b":184467440737095516160,"c":-99999999999999999999}}'
    data = parse_job(line).data
    assert data == {"a": "\ud800", "b": 184467440737095516160, "c": -99999999999999999999}
    assert load(dump(data)) == data
    assert dump(data).isascii()


@given(JSON_VALUES)
def test_what_is_stored_is_read_unchanged(value):
    assert load(dump(value)) == value


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("{} {}", "not JSON"),
        ("\ufeff{}", "BOM"),
        (b'{"data":"\xff"}', "not UTF-8"),
        ('{"scene_id":true}', "scene_id"),
        ('{"scene_id":"7"}', "scene_id"),
        ('{"scene_id":7.0}', "scene_id"),
        ('{"scene_id":9223372036854775808}', "scene_id"),
        ('{"update_type":""}', "update_type"),
        ('{"update_type":null}', "update_type"),
        ('{"update_type":"\\ud800"}', "update_type"),
        ('{"job_key":7}', "job_key"),
        ('{"job_key":"\\udfff"}', "job_key"),
        ('{"scene":7}', "unknown key 'scene'"),
        ('{"scene\\u009b":7}', r"unknown key 'scene\x9b'"),
        ('{"data":NaN}', "NaN"),
        ('{"data":[-Infinity]}', "-Infinity"),
        ('{"data":1e999}', "1e999"),
        ('{"data":' + "9" * 5000 + "}", "cannot be used"),
        ('{"data":' + nested(MAX_DEPTH) + "}", "nested deeper"),
        ('{"data":' + nested(200_000) + "}", "cannot be used"),
        (b'{"data":"' + b"x" * MAX_LINE_BYTES + b'"}', "longer than 1048576 bytes"),
    ],
)
def test_a_line_that_is_no_job_is_refused_and_says_why(line, words):
    with pytest.raises(InvalidJobError) as raised:
        parse_job(line)
    assert words in str(raised.value)


def test_nesting_up_to_the_bound_is_taken():
    data = json.loads(nested(MAX_DEPTH - 1))
    assert parse_job(f'{{"data":{nested(MAX_DEPTH - 1)}}}').data == data
    many_but_flat = [{"a": "[[["}] * 500
    assert load(dump(many_but_flat)) == many_but_flat


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1, 2}, b"bytes", {("a",): 1}, object(), 10**5000],
    ids=lambda value: type(value).__name__,
)
def test_what_json_has_no_word_for_is_not_stored(value):
    with pytest.raises(InvalidJobError, match="cannot be stored as JSON"):
        dump({"value": value})


def test_a_value_inside_itself_or_nested_too_deep_is_not_stored():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(InvalidJobError):
        dump(endless)
    deep: object = "x"
    for _ in range(MAX_DEPTH + 1):
        deep = {"in": (deep,)}
    with pytest.raises(InvalidJobError, match="nested deeper"):
        dump(deep)


def test_jobs_are_read_line_by_line_and_empty_lines_are_nothing():
    file = io.BytesIO(b'{"scene_id":1}\n\n  \r\n{"scene_id":2}\r\n{"scene_id":3}')
    assert [job.scene_id for job in read_jobs(file)] == [1, 2, 3]


def test_lines_end_at_newline_alone():
    file = io.BytesIO('{"data":"a\u2028b\u0085c"}\n{"data":2}\n'.encode())
    assert [job.data for job in read_jobs(file)] == ["a\u2028b\u0085c", 2]


def test_an_error_names_its_line():
    file = io.BytesIO(b'{"scene_id":1}\n\n{"scene_id":"x"}\n')
    jobs = read_jobs(file)
    assert next(jobs).scene_id == 1
    with pytest.raises(InvalidJobError, match=r"^line 3: scene_id"):
        next(jobs)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_bound_is_the_length_without_the_end_of_line(end):
    fits = b'{"data":"' + b"x" * (MAX_LINE_BYTES - 11) + b'"}'
    assert len(fits) == MAX_LINE_BYTES
    assert len([*read_jobs(io.BytesIO(fits + end))]) == 1
    with pytest.raises(InvalidJobError, match="line 1: longer than 1048576 bytes"):
        next(read_jobs(io.BytesIO(fits + b" " + end)))


def test_an_endless_line_is_refused_without_holding_it():
    class Endless(io.RawIOBase):
        given = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.given += len(buffer)
            buffer[:] = b"[" * len(buffer)
            return len(buffer)

    source = Endless()
    with pytest.raises(InvalidJobError, match="line 1: longer"):
        next(read_jobs(io.BufferedReader(source)))
    assert source.given < 2 * MAX_LINE_BYTES
