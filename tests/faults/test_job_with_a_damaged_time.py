"""A row of the queue holds a time that is none: the job dies, the worker and its threads do not."""

from __future__ import annotations

import threading

from tests.support.workers import Place, TickingClock, ends_of


def test_it_is_a_dead_letter_and_the_others_run(tmp_path):
    place = Place(tmp_path, TickingClock())
    place.enqueue(3)
    with place.queue._database.transaction() as connection:
        connection.execute("UPDATE jobs SET enqueued_at_us = 1000000000000000000 WHERE id = 1")
        connection.execute("UPDATE jobs SET due_at_us = -9000000000000000000 WHERE id = 2")

    worker = threading.Thread(target=place.worker(lambda _: None).run, daemon=True)
    worker.start()
    worker.join(30)

    assert not worker.is_alive(), "it hangs"
    assert ends_of(place.data) == {
        1: ["job.failed"],
        2: ["job.succeeded"],
        3: ["job.succeeded"],
    }
    assert [letter.error_type for letter in place.dead()] == ["InvalidJobError"]
    assert {event["wait_ns"] < 2**63 for event in place.outcomes()} == {True}
    place.close()
