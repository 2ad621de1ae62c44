"""Secrets do not come into the log."""

from __future__ import annotations

from events.emitter import Emitter
from events.exceptions import describe
from events.model import Failed, Skipped, Succeeded
from events.redaction import MASK, Redactor
from tests.support.emitter_rig import ATTEMPT, OPENED, STREAM


class Failing(Redactor):
    def text(self, text):
        raise RuntimeError(text)

    def value(self, value):
        raise RuntimeError(value)


def test_a_redactor_that_raises_masks_and_loses_nothing(make_rig):
    rig = make_rig(redactor=Failing(), context={"rack": "hunter2"})
    rig.emitter.emit("worker.odd", secret="hunter2")
    trace = [{"exc_value": "hunter2"}]
    failed = rig.commit_one(
        Failed(**ATTEMPT, error_type="Odd", error="hunter2", exception=trace, to_dlq=True)
    )
    assert failed["error"] == failed["exception"] == failed["error_type"] == MASK
    assert failed["to_dlq"] is True
    assert rig.commit_one(Succeeded(**ATTEMPT, confidence="hunter2"))["confidence"] == MASK
    assert b"hunter2" not in rig.text()
    assert [event["event"] for event in rig.events()] == [
        "stream.opened",
        "worker.odd",
        "job.failed",
        "job.succeeded",
    ]


def test_secrets_are_masked_in_outcomes_and_other_events(rig):
    url = "GET /?X-Plex-Token=hunter2&a=1"
    trace = [{"exc_type": "E", "exc_value": url, "frames": [{"filename": url, "lineno": 1}]}]
    rig.emitter.outcome(Failed(**ATTEMPT, error_type="E", error=url, exception=trace))
    rig.emitter.outcome(Succeeded(**(ATTEMPT | {"kind": url}), confidence=url))
    rig.emitter.emit("worker.odd", url=url, password="hunter2", nested=[{"token": 5}])
    rig.emitter.commit()
    _, failed, succeeded, odd = rig.events()
    assert b"hunter2" not in rig.text()
    masked = f"GET /?X-Plex-Token={MASK}&a=1"
    assert failed["error"] == failed["exception"][0]["exc_value"] == masked
    assert failed["exception"][0]["frames"] == [{"filename": masked, "lineno": 1}]
    assert succeeded["confidence"] == succeeded["kind"] == odd["url"] == masked
    assert (odd["password"], odd["nested"]) == (MASK, [{"token": MASK}])


def test_a_failure_is_redacted_only_once(rig):
    class Watching(Redactor):
        def __init__(self):
            super().__init__()
            self.seen = []

        def text(self, text):
            self.seen.append(text)
            return super().text(text)

    redactor = Watching()
    emitter = Emitter(
        rig.writer, stream="s", epoch="e", opened={}, clock=rig.clock, redactor=redactor
    )
    name, message, trace = describe(ValueError("password=hunter2"), redactor)
    told = {"error_type": name, "error": message, "exception": trace}
    seen = redactor.seen.copy()
    emitter.outcome(Failed(**ATTEMPT, **told, is_redacted=True))
    assert redactor.seen == [*seen, ATTEMPT["kind"]]
    emitter.outcome(Failed(**ATTEMPT, **told))
    assert len(redactor.seen) > len(seen) + 2
    emitter.commit()
    redacted, again = rig.events()[1:]
    assert redacted == again | {"seq": 1}
    assert "is_redacted" not in redacted


def test_what_tells_one_history_from_another_is_never_masked(make_rig):
    rig = make_rig(redactor=Redactor(extra_patterns=["e1|q1|nas|7|0.1.0"]))
    rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.commit()
    opened = rig.events()[0]
    assert {name: opened[name] for name in (*OPENED, "epoch", "stream")} == OPENED | {
        "epoch": "e1",
        "stream": STREAM,
    } | {"host": MASK}


def test_counts_of_errors_are_no_secrets_whatever_the_errors_are_called(rig):
    counts = {"InvalidTokenError": 1, "AuthError": 2, "auth": 3}
    rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.emit("batch.summary", errors_by_type=counts)
    rig.emitter.commit()
    assert rig.events()[-1]["errors_by_type"] == counts
