from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import EventsError
from events.redaction import MASK, Redactor, guarded

REDACTOR = Redactor()
SECRET = "hunter2-S3cr3t"

LEAKS = [
    "GET http://nas:32400/library?X-Plex-Token=hunter2-S3cr3t failed",
    "GET /library?X-Plex-Token=hunter2-S3cr3t&type=1",
    "X-Plex-Token%3Dhunter2-S3cr3t",
    "x-plex-token: hunter2-S3cr3t",
    "https://api.example.org/?key=hunter2-S3cr3t",
    "https://s3.example.org/a?X-Amz-Signature=hunter2-S3cr3t",
    "Authorization: Bearer hunter2-S3cr3t",
    "authorization=Basic hunter2-S3cr3t",
    "{'Authorization': 'Token hunter2-S3cr3t', 'Accept': 'text/html'}",
    'curl -H "Authorization: Bearer hunter2-S3cr3t" https://example.org/',
    'Proxy-Authorization: Digest username="bob", response="hunter2-S3cr3t"',
    "X-Auth-Token: Bearer hunter2-S3cr3t",
    "sent Bearer hunter2-S3cr3t to the server",
    "sent Basic hunter2S3cr3t== to the server",
    "Cookie: theme=dark; session=hunter2-S3cr3t",
    "Set-Cookie: sid=hunter2-S3cr3t; HttpOnly",
    '{"headers": {"X-Plex-Token": ["hunter2-S3cr3t"]}}',
    "[('X-Plex-Token', 'hunter2-S3cr3t')]",
    "token=(hunter2-S3cr3t)",
    "password=hunter2-S3cr3t",
    "password = 'hunter2-S3cr3t'",
    "passwd: hunter2-S3cr3t",
    'PASSWORD="hunter2-S3cr3t with blanks, \\" and more hunter2-S3cr3t"',
    "db_password=hunter2-S3cr3t,host=nas",
    '{"api_key": "hunter2-S3cr3t", "page": 1}',
    '{\\"api_key\\": \\"hunter2-S3cr3t\\", \\"page\\": 1}',
    "API-Key: hunter2-S3cr3t",
    "aws_secret_access_key=hunter2-S3cr3t",
    "client_secret=hunter2-S3cr3t",
    "token_value=hunter2-S3cr3t",
    "pwd=hunter2-S3cr3t",
    "password='hunter2-S3cr3t",
    "sync --password hunter2-S3cr3t --verbose",
    "sync --plex-token 'hunter2-S3cr3t'",
    "https://bob:hunter2-S3cr3t@nas.local/a",
    "https://bob:hunter2-S3cr3t@x@nas.local/a",
    "https://bob:?hunter2-S3cr3t@nas.local/a",
    "https://bob:#hunter2-S3cr3t@[::1]/a",
    "https://bob:#hunter2-S3cr3t@x@nas.local/a",
    "https://bob:#hunter2-S3cr3t@x@-d",
    "https://hunter2-S3cr3t@github.com/a/b",
    "postgres://bob:hunter2-S3cr3t@db:5432/x",
    "mysql: bob:hunter2-S3cr3t@tcp(nas)",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2-S3cr3t\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nhunter2-S3cr3t\n…",
    "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.hunter2-S3cr3t",
]


@pytest.mark.parametrize("text", LEAKS)
def test_secrets_in_text_are_masked_once_and_for_all(text):
    masked = REDACTOR.text(text)
    assert "hunter2" not in masked
    assert MASK in masked
    assert REDACTOR.text(masked) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "GET /a?X-Plex-Token=abc&type=1 failed",
            "GET /a?X-Plex-Token=[redacted]&type=1 failed",
        ),
        ('{"token": "abc", "n": 1}', '{"token": "[redacted]", "n": 1}'),
        ("https://bob:abc@nas/x@y", "https://[redacted]@nas/x@y"),
        ("Cookie: a=b\nHost: nas", "Cookie: [redacted]\nHost: nas"),
        ("{'Authorization': 'x', 'Accept': 'y'}", "{'Authorization': '[redacted]', 'Accept': 'y'}"),
    ],
)
def test_what_stands_around_a_secret_is_kept(text, masked):
    assert REDACTOR.text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no item for /media/a.mkv",
        "Basic authentication failed",
        "tokenizer: unexpected end of file",
        "wrote to bob@example.org",
        "https://nas.local:32400/library",
        "the password is wrong",
        "at 12:30:45",
        "bypass=true",
        "author=somebody",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert REDACTOR.text(text) == text


@settings(deadline=None)
@given(st.lists(st.sampled_from(LEAKS) | st.text(max_size=5), max_size=4).map(" ".join))
def test_masking_what_is_masked_changes_nothing(text):
    masked = REDACTOR.text(text)
    assert REDACTOR.text(masked) == masked


@settings(deadline=None)
@given(st.text() | st.sampled_from(LEAKS))
def test_masking_keeps_a_json_text_readable(text):
    record = {"error": text, "token": text}
    assert json.loads(json.dumps(REDACTOR.value(record)))["token"] == MASK


def test_values_are_masked_by_their_keys_and_in_their_texts():
    value = {
        "X-Plex-Token": SECRET,
        "Password": 12345,
        "apiKey": {"nested": [SECRET]},
        "auth": ["bob", SECRET],
        "SET_COOKIE": (SECRET,),
        "url": f"http://nas/?X-Plex-Token={SECRET}&a=1",
        "headers": [{"name": "x", "secret": SECRET}, f"password={SECRET}"],
        "body": f"pwd={SECRET}".encode(),
        f"token={SECRET}": 1,
        "token": None,
        "has_password": True,
        "author": "somebody",
        "passed": 3,
        7: "seven",
    }
    before = repr(value)
    masked = REDACTOR.value(value)
    assert "hunter2" not in repr(masked)
    assert repr(value) == before
    assert masked["X-Plex-Token"] == masked["Password"] == masked["apiKey"] == MASK
    assert masked["url"] == f"http://nas/?X-Plex-Token={MASK}&a=1"
    assert masked["headers"] == [{"name": "x", "secret": MASK}, f"password={MASK}"]
    kept = ("token", "has_password", "author", "passed", 7)
    assert {key: masked[key] for key in kept} == {key: value[key] for key in kept}


def test_what_is_no_json_value_stays_as_it_is():
    unknown = object()
    assert REDACTOR.value([unknown, 1.5]) == [unknown, 1.5]


def test_what_is_nested_too_deep_is_masked_as_a_whole():
    value = SECRET
    for _ in range(900):
        value = [value]
    assert "hunter2" not in repr(REDACTOR.value(value))
    ring = []
    ring.append(ring)
    assert MASK in repr(REDACTOR.value(ring))


def test_extra_patterns_and_keys():
    redactor = Redactor(extra_patterns=[r"\b\d{4}-\d{4}\b"], extra_keys=["plex_pin", ""])
    assert redactor.text("card 1234-5678, Plex_Pin=99 ok") == f"card {MASK}, Plex_Pin={MASK} ok"
    assert redactor.value({"PlexPin": 99, "pin": 1}) == {"PlexPin": MASK, "pin": 1}
    assert redactor.text("password=abc") == f"password={MASK}"


def test_a_pattern_that_is_none_is_refused_by_its_place_for_it_may_be_a_secret():
    with pytest.raises(EventsError, match="pattern 2 is no regular expression at char") as caught:
        Redactor(extra_patterns=["a", f"({SECRET}"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("pattern", ["x*", "", "^$", "a|", "(?:abc)?"])
def test_a_pattern_that_matches_nothing_at_all_is_refused(pattern):
    with pytest.raises(EventsError, match="pattern 1 matches the empty text"):
        Redactor(extra_patterns=[pattern])


@pytest.mark.parametrize(
    ("pattern", "text", "masked"),
    [
        ("[a-z]{8}", "abcdefgh", MASK),
        ("[a-z]+", "ab [redacted] cd", f"{MASK} {MASK} {MASK}"),
        ("[a-z]+.", "x[redacted]y!", MASK * 2),
        (r"[a-z\]]+", "[redacted]y [", f"{MASK} ["),
        (".+", "password=abc def", MASK),
        ("e", "one [redacted]", f"on{MASK} [redacted]"),
        ("(?=b)|c", "abc", f"ab{MASK}"),
        ("(?=b)", "abc", "abc"),
        ("b", "bb", MASK * 2),
        (r"\bfoo\b|1", "foo1", MASK * 2),
        ("1", "1pw=abc", f"{MASK}pw={MASK}"),
        (r"(?<=\])a|1", "1" + "a" * 5, MASK * 6),
        (r"(?<=\])a|1", "1" + "a" * 50, MASK),
    ],
)
def test_patterns_leave_masks_whole_and_nothing_for_a_second_time(pattern, text, masked):
    redactor = Redactor(extra_patterns=[pattern])
    assert redactor.text(text) == masked
    assert redactor.text(masked) == masked


_PIECES = st.sampled_from(
    ["a", "b", "1", "[", "]", "red", "foo", " ", "=", "token", MASK, "pw", "."]
)
_PATTERNS = st.sampled_from(
    ["[a-z]+", "[a-z]+.", r"\bfoo\b|1", "b|a$", r"a(?=\[)|b", r"[a-z\]]+", ".+", "^a|red", r"\W"]
)


@settings(deadline=None)
@given(st.lists(_PIECES).map("".join), st.lists(_PATTERNS, min_size=1, max_size=3))
def test_masking_by_patterns_what_is_masked_changes_nothing(text, patterns):
    redactor = Redactor(extra_patterns=patterns)
    masked = redactor.text(text)
    assert redactor.text(masked) == masked


def test_redaction_that_fails_masks_all():
    assert guarded(lambda value: value / 0, 5) == MASK
    assert guarded(str.upper, "a") == "A"


@pytest.mark.parametrize(
    "piece",
    ["token", "token:", "a:", "a.", "://", "a@", "--", "--a-", "\\", '\\"', "'", "basic a", "eyJ",
     "token_", "cookie ", "token      ", "-----BEGIN PRIVATE KEY-----", "digest", "bearer "],
)  # fmt: skip
def test_no_text_takes_long(piece):
    # Quadratic time over a million characters would take hours: the test would hit its time limit.
    text = (piece * 1_000_000)[:1_000_000] + "@ :// -- '\" private key authorization: token="
    assert isinstance(REDACTOR.text(text), str)


def test_it_needs_the_standard_library_alone():
    code = (
        "import sys, events.redaction; print(*{'structlog', 'orjson', 'msgspec'} & {*sys.modules})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
