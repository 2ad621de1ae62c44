"""One process at a queue: ``enqueue DIR FIRST COUNT``, or ``work DIR STREAM WANTED``.

Prints what it did as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue

SHARED_KEYS = 40


def enqueue(queue: JobQueue, first: int, count: int) -> dict[str, int]:
    """Add ``count`` jobs of one's own, half of them one by one, and try those that all add."""
    for number in range(first, first + count // 2):
        queue.enqueue(NewJob(number))
    many = [NewJob(number) for number in range(first + count // 2, first + count)]
    many += [NewJob(-1 - number, job_key=f"shared {number}") for number in range(SHARED_KEYS)]
    return queue.enqueue_many(many)._asdict()


def work(queue: JobQueue, stream: str, marker: Path) -> dict[str, list[int]]:
    """Run jobs until ``marker`` is there and none is left; every third fails once."""
    ended: list[int] = []
    failed: list[int] = []
    seq = 0
    jobs = queue.claim(stream, seq, 10)
    while jobs or not marker.exists():
        endings = []
        for job in jobs:
            again = job.attempt == 1 and job.id % 3 == 0 and job.job_key is None
            (failed if again else ended).append(job.id)
            endings.append(Ending(job.id, job.attempt, seq, retry_at_us=0 if again else None))
            seq += 1
        jobs = queue.apply(stream, endings + endings[:2], claim=10, next_seq=seq)
    return {"ended": ended, "failed": failed}


def main() -> None:
    """Do what the arguments say."""
    what, folder, name, last = sys.argv[1:]
    with JobQueue(folder) as queue:
        if what == "enqueue":
            answer: dict[str, object] = dict(enqueue(queue, int(name), int(last)))
        else:
            answer = dict(work(queue, name, Path(last)))
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
