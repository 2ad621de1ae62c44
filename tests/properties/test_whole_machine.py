"""Any history of data folders against a model in plain dicts.

Workers claim, finish, stop and die at any step; segments are begun, compressed and pruned; folders
are copied, restored and joined; stats are saved, rebuilt and replayed; dead letters are retried.
After every step the queue, the log, the dead letters and the stats are what the model says, and
the model is what was promised: each job that was enqueued waits, is leased, or has ended once.
"""

from __future__ import annotations

import io
import itertools
import shutil
import tempfile
from functools import partial, reduce
from pathlib import Path

from hypothesis import event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from events.model import WORKER_STOPPED, Failed, Skipped, Succeeded
from projections.errors import ForkError
from projections.join import join
from projections.replay import replay
from projections.runner import Runner
from projections.snapshot import parse_snapshot
from sync_queue.jobs import NewJob
from tests.support.whole.model import Outcome, stats_of
from tests.support.whole.process import Process
from tests.support.whole.site import Site, Worker
from tests.support.whole.truth import (
    assert_counts,
    check,
    check_rest,
    check_saved,
)
from tests.support.workers import Dies, TickingClock
from worker.errors import PermanentError, TransientError
from worker.recorder import Ended
from worker.retry import Backoff, RetryPolicies
from worker.stopping import StopRequest

IN_MEMORY = Path("/dev/shm")  # what a power cut takes is taken by the machine; syncs are slow
SITES = 3
WORKERS = 2
JOBS = 12  # not ended, of a folder: more of them show no more

numbers = st.integers(0, 5)
keys = st.sampled_from([None, None, "k", "k", "l"])
sizes = st.sampled_from([1, 400, 900, 1 << 20])
# The step at which a process dies, whether that takes effect, and how many sevenths are left of
# what is not on the disk, if the power fails with it (0 is nothing).
crashes = st.none() | st.tuples(
    st.integers(1, 15), st.booleans(), st.sampled_from([None, 0, 1, 3, 6])
)
hows = st.sampled_from(["high", "low", "skip", "retry", "not found", "dead", "dead"])
batches = st.lists(
    st.tuples(numbers, st.lists(hows, min_size=1, max_size=3), st.integers(0, 2)),
    min_size=1,
    max_size=4,
)
weathers = st.sampled_from(["later", "much later", "earlier", "resume", "pause", "lose queue"])


class Kept:
    """A snapshot that somebody has put away, and the lines that it covers."""

    def __init__(self, data, model):
        self.snapshot = parse_snapshot(data, "a kept snapshot")
        self.histories = model.histories()


class WholeMachine(RuleBasedStateMachine):
    @initialize(jobs=st.lists(keys, min_size=2, max_size=6), size=sizes)
    def begin(self, jobs, size):
        self.root = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.clock = TickingClock(0)
        self.names = itertools.count()
        self.touched = set()
        self.sites = [Site(self.root / "first", self.clock)]
        self.backups = []
        self.kept = []
        self.enqueue(0, jobs)
        self.start(0, size, None)

    # Choosing

    def site(self, number):
        site = self.sites[number % len(self.sites)]
        self.touched.add(site)
        return site

    def worker(self, site, number):
        """A worker that lives, started if there is none."""
        if not site.workers:
            self.start_on(site, 1 << 20, None)
        return site.workers[number % len(site.workers)]

    def doing(self, site, process, crash, step):
        """Let a process do something, and die on the way if it is to; say whether it came through.

        ``crash``: the number of the step, whether that takes effect, and how many sevenths of what
        is not on the disk are left, if the power fails with it.
        """
        at, after, left = crash or (0, False, None)
        process.plan(at, after=after)
        try:
            step()
        except Dies as where:
            note(f"died {where}")
            event(f"died {where}")
            if left is not None:
                self.lose_power(site, left / 7)
            return False
        process.plan(0, after=False)
        return True

    # Jobs and workers

    @rule(number=numbers, jobs=st.lists(keys, min_size=1, max_size=4))
    def enqueue(self, number, jobs):
        site = self.site(number)
        for scene, key in enumerate(jobs[: JOBS - len(site.model.jobs)]):
            due = self.clock.us + scene % 2 * 1_000_000
            expected = site.model.key_waits(key)
            job_id = site.place.queue.enqueue(NewJob(scene, job_key=key, due_at_us=due))
            assert (job_id is None) == expected
            if job_id is not None:
                site.model.add(job_id, key, due)

    @rule(number=numbers, size=sizes, crash=crashes)
    def start(self, number, size, crash):
        site = self.site(number)
        if len(site.workers) < WORKERS:
            self.start_on(site, size, crash)

    def start_on(self, site, size, crash):
        process = Process(site, segment_bytes=size)

        def start():
            site.workers.append(Worker(process, process.start()))

        if self.doing(site, process, crash, start):
            alive = {worker.own.name for worker in site.workers}
            assert site.model.leased_streams() <= alive, "a dead worker's jobs were left"

    def by(self, site, worker, crash, step):
        """As `doing`, by a worker: it is gone if it dies."""
        if not self.doing(site, worker.process, crash, step):
            if worker in site.workers:
                site.workers.remove(worker)
            return False
        return True

    @rule(number=numbers, batches=batches, crash=crashes)
    def work(self, number, batches, crash):
        """Workers end attempts, batch by batch, and claim more; one may die with the last batch."""
        site = self.site(number)
        for place, (which, ends, claim) in enumerate(batches, 1):
            worker = self.worker(site, which)
            self.provide(number, len(ends))
            last = place == len(batches)
            self.by(
                site,
                worker,
                crash if last else None,
                partial(self.end_attempts, worker, ends, claim),
            )

    def provide(self, number, count):
        """See to it that there is something to claim."""
        site = self.site(number)
        if site.model.paused:
            assert site.place.queue.claim("nobody", 0, 1) == []
            self.weather(number, "resume")
        due = [job.due for job in site.model.jobs.values() if job.stream is None]
        if len(due) < count:
            self.enqueue(number, [None] * count)
        elif min(due) > self.clock.us:
            self.clock.us = min(due)

    @rule(number=numbers, batches=batches, crash=crashes)
    def work_more(self, number, batches, crash):
        """The same: what is done most often."""
        self.work(number, batches, crash)

    def end_attempts(self, worker, ends, claim):
        recorder = worker.own.recorder
        if not worker.jobs:
            worker.jobs += recorder.commit(claim=len(ends))
        done, worker.jobs = worker.jobs[: len(ends)], worker.jobs[len(ends) :]
        for job, how in zip(done, ends, strict=False):
            self.end_attempt(worker, job, how)
        worker.jobs += recorder.commit(claim=claim)
        assert worker.process.staged == []

    def end_attempt(self, worker, job, how):
        """Record how an attempt ended, here and in what the process is known to have staged."""
        duration, warnings = job.id * 1_000_003 + job.attempt, job.id % 2
        common = {"job_id": job.id, "kind": job.kind, "attempt": job.attempt}
        common |= {"duration_ns": duration, "warnings": warnings}
        told = {"job_id": job.id, "attempt": job.attempt, "at_us": self.clock.us}
        told |= {"duration_ns": duration, "warnings": warnings}
        if how in {"high", "low"}:
            ended = Succeeded(**common, confidence=how)
            outcome = Outcome("job.succeeded", **told, confidence=how)
        elif how == "skip":
            ended, outcome = Skipped(**common), Outcome("job.skipped", **told)
        else:
            again = None if how == "dead" else self.clock.us + job.id % 3 * 1_000_000
            policy = "not_found" if how == "not found" else "transient"
            ended = Failed(
                **common,
                error_type=how,
                to_dlq=how == "dead",
                retry_at_us=again,
                policy=policy,
            )
            outcome = Outcome(
                "job.failed",
                **told,
                error_type=how,
                to_dlq=how == "dead",
                retry_at_us=again,
                not_found=how == "not found",
            )
        worker.own.recorder.add(Ended(job, ended))
        worker.process.staged.append(outcome)

    @rule(number=numbers, which=numbers, crash=crashes)
    def stop(self, number, which, crash):
        """A graceful stop: what runs is interrupted, what has not begun is given back."""
        site = self.site(number)
        worker = self.worker(site, which)
        queue, own = worker.process.queue, worker.own
        leases = [(job.id, job.attempt) for job in worker.jobs]

        def stop():
            queue.give_back(own.name, leases[1:])
            own.recorder.emit(WORKER_STOPPED, reason="stopped")
            own.recorder.commit()
            queue.interrupt(own.name, leases[:1])
            own.close()
            worker.process.end()
            site.workers.remove(worker)

        if self.by(site, worker, crash, stop):
            assert not site.model.held(own.name)

    @rule(number=numbers, which=numbers, claim=st.integers(0, 3))
    def kill(self, number, which, claim):
        """A worker dies while it holds jobs."""
        site = self.site(number)
        worker = self.worker(site, which)
        worker.own.recorder.commit(claim=claim)
        worker.process.end()
        site.workers.remove(worker)

    @rule(number=numbers, which=numbers, crash=crashes)
    def mend(self, number, which, crash):
        """An idle worker takes over what dead ones hold."""
        site = self.site(number)
        worker = self.worker(site, which)

        def mend():
            worker.process.take_over().mend_dead(worker.own, StopRequest())

        if self.by(site, worker, crash, mend):
            alive = {each.own.name for each in site.workers}
            assert site.model.leased_streams() <= alive

    @rule(number=numbers, left=st.integers(0, 7))
    def power_cut(self, number, left):
        self.lose_power(self.site(number), left / 7)

    def lose_power(self, site, share):
        site.end_all()
        site.cut_unsynced(share)

    # The queue as a whole, the dead letters, the time

    @rule(number=numbers, what=weathers)
    def weather(self, number, what):
        site = self.site(number)
        if what in {"pause", "resume"}:
            site.model.paused = what == "pause"
            (site.place.queue.pause if what == "pause" else site.place.queue.resume)()
        elif what == "lose queue":
            site.lose_queue()
        else:
            seconds = {"later": 1, "much later": 60, "earlier": -3600}[what]
            self.clock.us += seconds * 1_000_000
            self.clock.ns += abs(seconds) * 1_000_000_000

    def letter(self, number, which):
        """A dead letter; None if a worker that was to make one could not."""
        site = self.site(number)
        if not site.model.letters:
            self.work(number, [(0, ["dead"] * 3, 0)], None)
        letters = sorted(site.place.letters.list(), key=lambda each: each.id)
        return letters[which % len(letters)] if letters else None

    @rule(number=numbers, which=numbers, crash=crashes)
    def retry_letter(self, number, which, crash):
        site = self.site(number)
        letter = self.letter(number, which)
        if letter is None or len(site.model.jobs) >= JOBS:
            return
        place = letter.stream, letter.seq
        mark = f"{site.place.letters.dlq_id}:{letter.id}"
        waits = site.model.key_waits(site.model.letters[place][1])
        was_enqueued = mark in site.model.marks
        process = Process(site)

        def retry():
            (result,) = process.letters._inner.retry(letter.id, queue=process.queue)
            if result.outcome == "retried":
                assert (result.job_id is None) == was_enqueued
            else:
                assert result.outcome == "waiting"
                assert waits
                assert not was_enqueued

        came_through = self.doing(site, process, crash, retry)
        is_gone = letter.id not in {each.id for each in site.place.letters.list()}
        if is_gone:
            assert mark in site.model.marks or came_through or "forget_marks" in process.steps
            del site.model.letters[place]
            site.model.deleted.add(place)
        else:
            assert waits or not came_through

    @rule(number=numbers, which=numbers)
    def purge_letter(self, number, which):
        site = self.site(number)
        letter = self.letter(number, which)
        if letter is not None:
            assert site.place.letters.purge(letter.id)[0].outcome == "purged"
            del site.model.letters[letter.stream, letter.seq]
            site.model.deleted.add((letter.stream, letter.seq))

    # Copies and older states

    @rule(number=numbers, which=numbers)
    def copy(self, number, which):
        """``cp -a``, also beside live workers; both are worked on."""
        site = self.site(number)
        if len(self.sites) == SITES:  # another copy goes
            gone = self.sites[which % SITES]
            if gone is site:
                return
            gone.close()
            self.sites.remove(gone)
            self.touched.discard(gone)
            shutil.rmtree(gone.data)
        target = self.root / f"copy-{next(self.names)}"
        self.sites.append(Site(target, self.clock, site.copy_to(target)))

    @rule(number=numbers)
    def back_up(self, number):
        site = self.site(number)
        target = self.root / f"backup-{next(self.names)}"
        self.backups = [*self.backups[-2:], (target, site.copy_to(target))]

    @rule(number=numbers, which=numbers, batches=batches, keep_folders=st.booleans())
    def restore(self, number, which, batches, keep_folders):
        """Put an older state in place, or one of another copy."""
        if not self.backups:
            self.back_up(number)
            self.work(number, batches, None)
        site = self.site(number)
        backup, model = self.backups[which % len(self.backups)]
        site.replace_by(backup, model, keep_folders=keep_folders)

    # Stats

    def runner(self, site, process):
        notices = []
        runner = Runner(site.data, fs=process.fs, clock=self.clock, notice=notices.append)
        runner.start()
        return runner

    @rule(number=numbers, crash=crashes)
    def save(self, number, crash):
        site = self.site(number)
        process = Process(site)

        def save():
            runner = self.runner(site, process)
            runner.catch_up()
            runner.save()

        if self.doing(site, process, crash, save):
            check_saved(site)

    @rule(number=numbers)
    def keep_snapshot(self, number):
        """Save, and put a copy away."""
        self.save(number, None)
        site = self.site(number)
        path = site.data / "stats.json"
        if path.exists():
            self.kept = [*self.kept[-5:], Kept(path.read_bytes(), site.model)]

    @rule(number=numbers, crash=crashes)
    def rebuild(self, number, crash):
        site = self.site(number)
        process = Process(site)

        def rebuild():
            Runner(site.data, fs=process.fs, clock=self.clock).rebuild()

        if self.doing(site, process, crash, rebuild):
            check_saved(site)

    @rule(which=st.lists(numbers, max_size=3))
    def join_snapshots(self, which):
        """Kept snapshots are joined: right, or refused where a stream has two histories."""
        for number in range(len(self.sites)):
            self.keep_snapshot(number)
        if not self.kept:
            return
        some = self.kept[-len(self.sites) :]
        some += [self.kept[each % len(self.kept)] for each in which]
        longest = {}
        forked = set()
        for kept in some:
            for stream, lines in kept.histories.items():
                other = longest.get(stream, ())
                shorter, longer = sorted((other, lines), key=len)
                longest[stream] = longer
                if longer[: len(shorter)] != shorter:
                    forked.add(stream)
        snapshots = [kept.snapshot for kept in some]
        try:
            joined = reduce(join, snapshots)
        except ForkError as error:
            refused = str(error)
        else:
            refused = ""
        assert bool(refused) == bool(forked), refused or f"two histories of {forked} were joined"
        event("join refused" if refused else "joined")
        if refused:
            assert any(repr(stream) in refused for stream in forked)
            return
        outcomes = [
            line.outcome for lines in longest.values() for line in lines if line.outcome is not None
        ]
        assert_counts(joined, stats_of(outcomes))
        assert reduce(join, [*reversed(snapshots), *snapshots]) == joined

    @rule(number=numbers, rng=st.randoms(use_true_random=False))
    def replay_in_any_order(self, number, rng):
        site = self.site(number)
        files = [str(path) for path in sorted((site.data / "events").glob("*/*.jsonl*"))]
        if not files or any(site.pruned.values()):
            return
        rng.shuffle(files)
        again = replay(files, stdin=io.BytesIO()).snapshot
        assert_counts(again, stats_of(site.model.outcomes()))

    # What then is the case

    @invariant()
    def all_agree(self):
        for site in self.touched:
            check(site)
        self.touched.clear()

    def teardown(self):
        """Everybody dies, and one worker does all that is left."""
        if not hasattr(self, "sites"):
            return
        try:
            if not self.touched:  # else the machine has failed already
                for site in self.sites:
                    self.drain(site)
        finally:
            for site in self.sites:
                site.close()
            shutil.rmtree(self.root)

    def drain(self, site):
        site.end_all()
        if site.model.paused:
            site.place.queue.resume()
            site.model.paused = False
        process = Process(site)
        process.staged = None
        self.clock.us = max([self.clock.us, *(job.due for job in site.model.jobs.values())])
        self.clock.step_s = 0.1
        policies = RetryPolicies(Backoff(0, 0, 50))
        process.worker(
            _handle, wait=True, policies=policies, breaker_failures=None, queue=process.queue
        ).run()
        self.clock.step_s = 0
        process.end()
        check(site)
        check_rest(site)
        self.save(self.sites.index(site), None)


def _handle(job):
    if job.id % 3 == 0:
        raise PermanentError("x")
    if job.id % 3 == 1 and job.attempt % 2:
        raise TransientError("y")


WholeMachine.TestCase.settings = settings(
    max_examples=max(100, settings().max_examples), stateful_step_count=30, deadline=None
)
TestWholeMachine = WholeMachine.TestCase
