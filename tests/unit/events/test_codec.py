from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from events.codec import decode, encode
from events.errors import InvalidLineError
from events.examination import examine
from events.limits import MAX_DEPTH, MAX_LINE_BYTES
from events.model import MAX_COUNT, Line

# Both lines of the design's format, as they stand there.
SUCCEEDED = (
    b'{"event":"job.succeeded","v":1,"stream":"nas-1-x7f2","seq":17,'
    b'"timestamp":"2026-11-24T12:00:00.123456Z","level":"info","job_id":42,"kind":"metadata",'
    b'"scene_id":7,"attempt":1,"duration_ns":1534000000,"wait_ns":20000000,"confidence":"high"}'
)
FAILED = (
    b'{"event":"job.failed","v":1,"stream":"nas-1-x7f2","seq":18,'
    b'"timestamp":"2026-11-24T12:00:02.000001Z","level":"warning","job_id":43,"kind":"metadata",'
    b'"scene_id":8,"attempt":2,"duration_ns":900000,"wait_ns":31000000000,'
    b'"error_type":"PlexNotFound","error":"no item for /media/a.mkv","to_dlq":false,'
    b'"retry_at":"2026-11-24T12:00:41.5Z"}'
)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def outcome(**fields):
    """The line of an outcome with some fields set, and those given as None left out."""
    whole = json.loads(SUCCEEDED) | fields
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def refused(line):
    with pytest.raises(InvalidLineError) as caught:
        decode(line)
    return caught.value


def nested(depth, within='{"event":"job.failed","stream":"a","seq":3,"x":%s}'):
    """A line of a depth, its own object counted."""
    return (within % ("[" * (depth - 1) + "]" * (depth - 1))).encode()


def test_the_formats_own_examples():
    assert decode(SUCCEEDED) == Line(
        event="job.succeeded",
        stream="nas-1-x7f2",
        seq=17,
        timestamp=NOON.replace(microsecond=123456),
        level="info",
        job_id=42,
        kind="metadata",
        scene_id=7,
        attempt=1,
        duration_ns=1_534_000_000,
        wait_ns=20_000_000,
    )
    failed = decode(FAILED)
    assert (failed.error_type, failed.error) == ("PlexNotFound", "no item for /media/a.mkv")
    assert failed.to_dlq is False
    assert failed.retry_at == NOON.replace(second=41, microsecond=500_000)


def test_missing_fields_have_their_defaults():
    line = decode(b'{"event":"job.failed","timestamp":"2026-01-01T00:00:00Z"}')
    assert (line.v, line.confidence, line.to_dlq, line.error_type) == (1, "high", False, "unknown")
    assert line.duration_ns is UNSET
    assert line.seq is UNSET


@pytest.mark.parametrize("confidence", ["low", "HIGH", "", 0.9, True, [], {"p": 1}])
def test_a_confidence_may_be_anything(confidence):
    assert decode(outcome(confidence=confidence)).confidence == confidence


def test_a_confidence_of_null_is_not_high():
    assert decode(SUCCEEDED.replace(b'"high"', b"null")).confidence is None


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 5000, b"9" * 400 + b".5"])
def test_a_number_beyond_any_range_is_legal_json(number):
    assert decode(SUCCEEDED.replace(b'"high"', number)).confidence not in {"high", 1}
    assert decode(SUCCEEDED.replace(b"{", b'{"more":%b,' % number)).seq == 17
    error = refused(SUCCEEDED.replace(b'"duration_ns":1534000000', b'"duration":' + number))
    assert error.reason.startswith("duration: ")
    assert error.seq == 17


def test_an_empty_error_type_is_missing():
    assert decode(outcome(error_type="")).error_type == "unknown"
    assert decode(b'{"event":"other","error_type":""}').error_type == "unknown"


def test_of_duplicate_keys_the_last_counts():
    assert decode(SUCCEEDED.replace(b"{", b'{"seq":1,')).seq == 17
    assert decode(SUCCEEDED.replace(b"{", b'{"seq":"x",')).seq == 17
    assert refused(SUCCEEDED.replace(b'"high"', b'"high","seq":"x"')).seq is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T12:00:00Z", NOON),
        ("2026-11-24t12:00:00z", NOON),
        ("2026-11-24 12:00:00+00:00", NOON),
        ("2026-11-24T14:30:00+02:30", NOON),
        ("2026-11-24T12:00:00-00:00", NOON),
        ("2026-11-24T12:00:00.1234567Z", NOON.replace(microsecond=123457)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        # A leap second ends the second before it.
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5z", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2017-01-01T05:29:60+05:30", datetime(2016, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_moments_that_are_read(text, moment):
    line = decode(outcome(timestamp=text, retry_at=text))
    assert line.timestamp == line.retry_at == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24T12:00:00",
        "2026-11-24T12:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T12:00:61Z",
        "2026-11-24T12:60:60Z",
        "2026-02-29T12:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        1_764_000_000,
    ],
)
@pytest.mark.parametrize("field", ["timestamp", "retry_at"])
def test_moments_that_are_refused(field, text):
    error = refused(outcome(**{field: text}))
    assert error.reason.startswith(f"{field}: ")
    assert (error.stream, error.seq) == ("nas-1-x7f2", 17)
    other = decode(outcome(event="other", **{field: text}))
    assert getattr(other, field) is UNSET
    assert other.seq == 17


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"duration_ns": MAX_COUNT + 1}, "duration_ns: Expected `int` <= 9223372036854775807"),
        ({"duration_ns": 1.0}, "duration_ns: Expected `int`, got `float`"),
        ({"to_dlq": 1}, "to_dlq: Expected `bool`, got `int`"),
        ({"attempt": 0}, "attempt: Expected `int` >= 1"),
        ({"timestamp": None}, "an outcome without timestamp"),
        ({"stream": None}, "seq without stream"),
        ({"seq": None}, "stream without seq"),
        ({"v": 2}, "schema version 2 is newer; this program reads 1"),
        ({"v": 0}, "schema version 0 is unknown; this program reads 1"),
        ({"v": True}, "v: Expected `int`, got `bool`"),
    ],
)
def test_an_invalid_outcome_says_why(fields, reason):
    assert refused(outcome(**fields)).reason == reason


def test_null_is_a_wrong_type():
    assert refused(SUCCEEDED.replace(b'"scene_id":7', b'"scene_id":null')).seq == 17


@pytest.mark.parametrize("name", ["host", "pid", "version", "epoch", "queue_id"])
def test_no_outcome_is_refused_for_a_key_of_other_events(name):
    line = decode(outcome(**{name: ["odd"]}))
    assert getattr(line, name) == getattr(Line(), name)


def test_a_key_of_other_events_is_read_alike_however_close_the_look():
    odd = outcome(host="nas", epoch="e1", error_type="")  # that is looked at again
    plain = outcome(host="nas", epoch="e1")
    for line in (decode(odd), decode(plain), examine(plain)):
        assert (line.host, line.epoch) == ("nas", "e1")


def test_a_process_id_beyond_64_bits_counts_as_missing():
    assert decode(b'{"event":"stream.opened","pid":%d}' % 2**63).pid == 0
    assert decode(b'{"event":"stream.opened","pid":%d}' % (2**63 - 1)).pid == 2**63 - 1


def test_an_event_that_is_no_outcome_is_never_invalid():
    assert decode(b"{}") == Line()
    assert decode(b'{"event":["job.failed"],"seq":"x","stream":"a"}') == Line()
    assert decode(b'{"event":"other","seq":3,"level":30}') == Line(event="other")
    assert decode(b'{"event":"other","v":"2"}') == Line(event="other")
    assert decode(b'{"event":"other","v":false}') == Line(event="other")
    line = decode(b'{"event":"stream.opened","stream":"a","seq":0,"epoch":"e1","pid":null}')
    assert line == Line(event="stream.opened", stream="a", seq=0, epoch="e1")


def test_a_newer_version_of_any_event_is_refused_and_takes_up_its_seq():
    error = refused(b'{"event":"other","v":2,"stream":"a","seq":5}')
    assert (error.stream, error.seq) == ("a", 5)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\0", b"\0" * 5000, b"\0\xef\xbb\xbf"])
def test_a_byte_order_mark_and_zero_bytes_before_a_line_are_passed_over(before):
    line = b'{"event":"other","stream":"a","seq":5}\n'
    assert decode(before + line) == decode(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON: Expecting value (character 1)"),
        (b"not json", "not JSON: Expecting value (character 1)"),
        (b"[]", "JSON, but no object"),
        (b'{"a":NaN}', "not JSON: NaN is no number there"),
        (b'{"a":1}{"a":2}', "not JSON: Extra data (character 8)"),
        (b'{"a":1}\xef\xbb\xbf', "not JSON: Extra data (character 8)"),
        (b"{\0}", "not JSON: Expecting property name enclosed in double quotes (character 2)"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"[" * 300 + b"]" * 300, "nested deeper than 200"),
        (b"[" * 100_000, "nested deeper than 200"),
        (b'{"a":"\\ud83d"}', "holds half a surrogate pair, which is no Unicode text"),
    ],
)
def test_what_is_no_json_object_says_why(line, reason):
    assert refused(line).reason.startswith(reason)
    assert refused(line + b"\r\n").reason.startswith(reason.partition("(character")[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.replace(b'"high"', b'"\xff"'),
        lambda line: line.replace(b'"high"', b'"\\ud800"'),
        lambda line: line.replace(b'"high"', b"[" * 300 + b"]" * 300),
        lambda line: line.replace(b'"high"', b'{"seq":[' * 300 + b"]}" * 300),
        lambda line: line.replace(
            b'"high"', b'"' + b'[\\"' * 300 + b'","y":[1],"x":' + b"[" * 201 + b"]" * 201
        ),
    ],
)
def test_the_seq_of_an_object_that_is_refused_as_a_whole_is_known(spoil):
    error = refused(spoil(SUCCEEDED))
    assert (error.stream, error.seq) == ("nas-1-x7f2", 17)


@pytest.mark.parametrize("stream", [b'"\xff"', b'"\\ud800"', b'""', b"null"])
def test_a_stream_that_is_no_name_is_not_known(stream):
    error = refused(SUCCEEDED.replace(b'"nas-1-x7f2"', stream))
    assert (error.stream, error.seq) == (None, 17)


def test_brackets_in_text_are_no_nesting():
    assert decode(outcome(error="[{" * 500 + '\\"')).error == "[{" * 500 + '\\"'
    frames = [{"filename": "a.py", "lineno": 1}] * 300
    assert decode(outcome(exception=frames)).exception == frames


def test_the_deepest_nesting():
    other = '{"event":"other","stream":"a","seq":3,"x":%s}'
    assert decode(nested(MAX_DEPTH, other)).seq == 3
    assert refused(nested(MAX_DEPTH + 1, other)).seq == 3
    within = outcome(x=0).decode().replace('"x": 0', '"confidence": %s')
    assert decode(nested(MAX_DEPTH, within)).seq == 17


def test_nesting_is_refused_alike_at_any_depth_of_the_stack():
    def at(depth):
        return at(depth - 1) if depth else refused(nested(5_000)).reason

    assert at(0) == at(500) == "nested deeper than 200"


def test_a_stack_that_is_used_up_is_no_crash():
    def at(depth):
        try:
            return at(depth - 1) if depth else decode(nested(MAX_DEPTH, '{"exception":%s}'))
        except InvalidLineError as error:
            return error.reason

    frames = sys.getrecursionlimit() - 300
    while not isinstance(found := at(frames), str):
        frames += 20
    assert found == "nested too deep for what is left of the stack"


def test_the_longest_line():
    filler = MAX_LINE_BYTES - 1 - len(outcome(error=""))
    line = outcome(error="x" * filler)
    assert decode(line).seq == 17
    assert decode(line + b"\n").seq == 17
    longer = outcome(error="x" * (filler + 1))
    assert refused(longer).reason == refused(longer + b"\n").reason == "longer than 1,048,576 bytes"


def test_plain_fields_are_written_in_their_order():
    fields = json.loads(SUCCEEDED)
    assert encode(fields) == SUCCEEDED + b"\n"
