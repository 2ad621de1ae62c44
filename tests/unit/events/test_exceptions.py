from __future__ import annotations

import json

import pytest

from events.exceptions import (
    MAX_EXCEPTIONS,
    MAX_FRAMES,
    MAX_MESSAGE_BYTES,
    Description,
    describe,
)
from events.redaction import MASK, Redactor

REDACTOR = Redactor()


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:  # noqa: BLE001 -- what it is about
        return error
    raise AssertionError


def fail(message="no item"):
    password = "hunter2"  # noqa: F841 -- local variables must not be told
    raise LookupError(message)


def fail_from(message):
    try:
        fail(message)
    except LookupError as error:
        raise RuntimeError("could not sync") from error


def fail_while_handling():
    try:
        fail()
    except LookupError:
        raise RuntimeError("and then") from None


def descend(depth):
    if depth:
        descend(depth - 1)
    fail()


def test_an_error_is_told_with_its_traceback_and_without_local_variables():
    described = describe(caught(fail, "no item"), REDACTOR)
    assert (described.error_type, described.message) == ("LookupError", "no item")
    (told,) = described.traceback
    assert (told["exc_type"], told["exc_value"], told["is_cause"]) == (
        "LookupError",
        "no item",
        False,
    )
    assert [frame["name"] for frame in told["frames"]] == ["caught", "fail"]
    assert told["frames"][1]["filename"] == __file__
    assert told["frames"][1]["lineno"] == fail.__code__.co_firstlineno + 2
    assert "hunter2" not in json.dumps(described)


def test_a_description_is_three_values():
    error_type, message, traceback = describe(ValueError("x"), REDACTOR)
    assert (error_type, message) == ("ValueError", "x")
    assert traceback[0]["frames"] == []
    assert Description("E", "m", []).traceback == []


def test_causes_follow():
    outer, cause = describe(caught(fail_from, "no item"), REDACTOR).traceback
    assert (outer["exc_type"], outer["is_cause"]) == ("RuntimeError", False)
    assert (cause["exc_type"], cause["is_cause"]) == ("LookupError", True)
    assert [frame["name"] for frame in cause["frames"]] == ["fail_from", "fail"]


def test_a_context_is_told_unless_it_was_suppressed():
    def fail_in_turn():
        try:
            fail()
        except LookupError:
            raise RuntimeError("and then")  # noqa: B904 -- what it is about

    _, context = describe(caught(fail_in_turn), REDACTOR).traceback
    assert (context["exc_type"], context["is_cause"]) == ("LookupError", False)
    (alone,) = describe(caught(fail_while_handling), REDACTOR).traceback
    assert alone["exc_type"] == "RuntimeError"


def test_secrets_are_masked_in_every_message():
    error = caught(fail_from, "GET /?X-Plex-Token=hunter2 failed")
    error.add_note("password=hunter2")
    described = describe(error, REDACTOR)
    assert "hunter2" not in json.dumps(described)
    assert described.traceback[0]["exc_notes"] == [f"password={MASK}"]
    assert f"X-Plex-Token={MASK} failed" in described.traceback[1]["exc_value"]


def test_secrets_are_masked_in_names_too():
    code = compile(
        "raise type('token=hunter2', (Exception,), {})", "/srv/token=hunter2/a.py", "exec"
    )
    described = describe(caught(exec, code), REDACTOR)
    assert described.error_type == described.traceback[0]["exc_type"] == f"token={MASK}"
    assert described.traceback[0]["frames"][-1]["filename"] == f"/srv/token={MASK}"


def test_groups_tell_their_members():
    def fail_twice():
        errors = [caught(fail, "first"), caught(fail_from, "second")]
        raise ExceptionGroup("both", errors)

    (group,) = describe(caught(fail_twice), REDACTOR).traceback
    assert [[told["exc_value"] for told in member] for member in group["exceptions"]] == [
        ["first"],
        ["could not sync", "second"],
    ]


def test_a_circle_of_causes_ends():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert len(describe(first, REDACTOR).traceback) == 2


def test_of_many_causes_the_first_are_told():
    error = ValueError("last")
    for number in range(50):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    assert len(describe(error, REDACTOR).traceback) == MAX_EXCEPTIONS
    group = ExceptionGroup("many", [ExceptionGroup("more", [error] * 50) for _ in range(50)])
    assert json.dumps(describe(group, REDACTOR)).count("exc_type") == MAX_EXCEPTIONS


def test_of_many_frames_the_outermost_and_the_innermost_are_told():
    (told,) = describe(caught(descend, 500), REDACTOR).traceback
    names = [frame["name"] for frame in told["frames"]]
    assert len(names) == MAX_FRAMES + 1
    assert names[0] == "caught"
    assert names[-1] == "fail"
    assert [name for name in names if "left out" in name] == ["…(303 frames left out)"]


def test_a_long_message_is_cut_after_it_was_redacted():
    message = "x" * (MAX_MESSAGE_BYTES - 20) + " https://bob:hunter2@nas/ " + "y" * 10_000_000
    described = describe(ValueError(message), REDACTOR)
    assert len(described.message.encode()) <= MAX_MESSAGE_BYTES + 40
    assert "hunter2" not in described.message
    assert "://bob" not in described.message
    assert described.message.endswith(" bytes)")


def test_a_message_with_half_a_surrogate_pair_is_escaped():
    assert describe(ValueError("caf\udce9"), REDACTOR).message == "caf\\udce9"


class Odd(type):
    @property
    def __name__(cls):
        raise ValueError


class HostileError(Exception, metaclass=Odd):
    @property
    def __cause__(self):
        raise ValueError

    __context__ = __suppress_context__ = __notes__ = __traceback__ = __cause__

    def __str__(self):
        raise SystemExit

    __repr__ = __str__


class LyingError(Exception):
    __cause__ = "not an error"
    __traceback__ = 7

    def __init__(self):
        self.__notes__ = ["kept", 7]

    def __str__(self):
        return Text("message")


class Text(str):
    __slots__ = ()

    def __getitem__(self, _index):
        raise ValueError


def test_a_hostile_error_is_told_all_the_same():
    described = describe(HostileError(), REDACTOR)
    assert described.error_type == "HostileError"
    assert described.message == "(no message: SystemExit in __str__)"
    assert described.traceback[0]["frames"] == []
    lying = describe(LyingError(), REDACTOR)
    assert type(lying.message) is str
    assert lying.message == "message"
    assert lying.traceback[0]["exc_notes"] == ["kept"]


def test_an_interruption_is_no_odd_message():
    class StoppingError(Exception):
        def __str__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        describe(StoppingError(), REDACTOR)


def test_if_redaction_fails_the_message_is_masked():
    class Failing(Redactor):
        def text(self, text):
            raise ValueError(text)

    described = describe(ValueError("hunter2"), Failing())
    assert described.message == described.traceback[0]["exc_value"] == MASK
