"""Leases: which stream holds which jobs, and how that begins and ends."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from sync_queue.companions import acknowledge
from sync_queue.jobs import LeasedJob
from sync_queue.leasing import apply_endings, claim_due, release
from sync_queue.queue_file import QueueFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_queue.jobs import Ending


class LeasedJobs(QueueFile):
    """The leases of a queue; `JobQueue` is the one to use, and its description holds for them."""

    def claim(self, stream: str, next_seq: int, limit: int) -> list[LeasedJob]:
        """Lease due jobs to a stream; each one's attempt is raised by one.

        A job whose worker died is leased alone, and until it has ended nothing else is.

        Args:
            stream: Whose lock the caller holds.
            next_seq: The number that the stream's next event will have.
            limit: How many at most.

        Returns:
            The jobs in the order of the time due, then of their ids; none while paused.
        """
        return self.apply(stream, (), claim=limit, next_seq=next_seq)

    def apply(
        self, stream: str, endings: Sequence[Ending], *, claim: int = 0, next_seq: int = 0
    ) -> list[LeasedJob]:
        """Apply recorded outcomes, then claim the next jobs, in one transaction.

        An ending of a lease that is no more (seen before, of an older attempt, of another
        stream, of an outcome older than the lease) changes nothing, so applying again is safe.
        A retry whose ``job_key`` waits again is dropped: the newer job replaces it.
        Up to where the stream's outcomes were applied is remembered (`companions`).

        Args:
            stream: Whose outcomes they are.
            endings: In any order.
            claim: How many jobs to lease, as `claim` does.
            next_seq: The number that the stream's next event will have.
        """
        with self._bindable(), self._database.transaction() as connection:
            if endings:
                apply_endings(connection, self._sql, stream, endings)
                acknowledge(connection, self._sql, stream, endings)
            return claim_due(
                connection,
                self._sql,
                stream=stream,
                next_seq=next_seq,
                limit=claim,
                now_us=self._clock.now_us(),
            )

    def leases(self, stream: str) -> list[LeasedJob]:
        """What a stream holds, in the order in which it was leased."""
        return list(starmap(LeasedJob, self._read("leases", stream)))

    def highest_lease_seq(self, stream: str) -> int | None:
        """The highest next number that the queue knows of the stream; None if it holds nothing."""
        highest: int | None = self._read("highest_lease_seq", stream)[0][0]
        return highest

    def leased_streams(self) -> list[str]:
        """The streams that hold leases, by name."""
        return [stream for (stream,) in self._read("leased_streams")]

    def give_back(self, stream: str, jobs: Sequence[tuple[int, int]]) -> int:
        """Release leases of jobs that never began: that uses up no attempt.

        Args:
            stream: Who holds them.
            jobs: Each one's id and attempt.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        return self._release(stream, jobs, attempts=1)

    def interrupt(self, stream: str, jobs: Sequence[tuple[int, int]]) -> int:
        """Release leases of jobs that were stopped midway: their attempt stays used.

        Args:
            stream: Who holds them.
            jobs: Each one's id and attempt.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        return self._release(stream, jobs, attempts=0)

    def release_lost(self, stream: str) -> int:
        """Release all that a dead stream holds, and count a loss for each.

        Only for who holds the stream's lock, and has applied the outcomes in its log.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        with self._bindable(), self._database.transaction() as connection:
            held = starmap(LeasedJob, connection.execute(self._sql["leases"], (stream,)).fetchall())
            jobs = [(job.id, job.attempt) for job in held]
            return release(connection, self._sql, stream, jobs, losses=1)

    def take_over(
        self, job_id: int, attempt: int, from_stream: str, to_stream: str, next_seq: int
    ) -> bool:
        """Move a lease, so that another worker can record how the job ended.

        Args:
            job_id: The job.
            attempt: Its attempt, which stays.
            from_stream: The dead stream.
            to_stream: The stream that goes on with it.
            next_seq: The number that its next event will have.

        Returns:
            Whether the dead stream still held it.
        """
        return bool(self._write("take_over", to_stream, next_seq, job_id, attempt, from_stream))

    def _release(self, stream: str, jobs: Sequence[tuple[int, int]], attempts: int) -> int:
        with self._bindable(), self._database.transaction() as connection:
            return release(connection, self._sql, stream, jobs, attempts=attempts)
