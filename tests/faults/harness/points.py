"""The chosen points: steps at which a process is killed, by name.

Patterns are those of `steps`: calls from the outermost to the innermost, and the moment.
"""

from __future__ import annotations

from dataclasses import dataclass

WORKER, ENQUEUE, RETRY, REBUILD = "worker", "enqueue", "retry", "rebuild"
COMPRESS, PRUNE = "compress", "prune"

_DURING_TAKE_OVER = "takeover.*: > "
_SEGMENT = "*.jsonl"


@dataclass(frozen=True)
class Point:
    """A step at which a process is killed.

    Attributes:
        name: Its name in the plan.
        pattern: Which steps it is.
        role: What kind of process is killed there.
        most: The process dies at one of the first so many such steps.
        first: The first of them that counts.
        after: The point at which a worker must have been killed just before, for this to come.
        is_alone: Comes to one worker of many only, so there is but one.
        compresses: Comes only to a worker that compresses.
        is_loss: Comes only when a job was lost three times with its worker.
        is_new_boot: Comes only where the machine was started again since the streams were made.
    """

    name: str
    pattern: str
    role: str = WORKER
    most: int = 3
    first: int = 1
    after: str = ""
    is_alone: bool = False
    compresses: bool = False
    is_loss: bool = False
    is_new_boot: bool = False


POINTS = (
    # The outcomes' way into the log.
    Point("append.before", f"**file.write:{_SEGMENT}@before"),
    Point("append.torn", f"**file.write:{_SEGMENT} > write@torn"),
    Point("append.written", f"**file.write:{_SEGMENT}@after"),
    Point("log.synced", f"**file.sync:{_SEGMENT}@after"),
    # The dead letters, and then the queue.
    Point("letters.before", "letters.insert:#@before", most=1),
    Point(
        "letters.commit",
        "letters.insert:# > database.transaction:dlq.db > all@commit",
        most=1,
    ),
    Point("letters.after", "letters.insert:#@after", most=1),
    Point("queue.before", "queue.apply:#@before"),
    Point("queue.commit", "queue.apply:# > database.transaction:queue.db > all@commit"),
    Point("queue.after", "queue.apply:#@after"),
    Point("claim.commit", "queue.apply:0 > database.transaction:queue.db > all@commit", most=1),
    Point("claim.after", "queue.apply:0@after", most=1),
    # A new segment: the first file that is opened may be an old one.
    Point("rotation.before-new", "stream.append: > fs.open_append:*@before", first=2, most=2),
    Point("rotation.new-made", "stream.append: > fs.open_append:*@after", first=2, most=2),
    Point("rotation.folder-synced", "stream.append: > fs.sync_folder:*@after", most=2),
    Point("rotation.torn", f"stream.append: > file.write:{_SEGMENT} > write@torn", first=2),
    # stats.json, by the thread that keeps it.
    Point("snapshot.torn", "fs.replace_file:stats.json > **write@torn", most=2, is_alone=True),
    Point(
        "snapshot.temporary",
        "fs.replace_file:stats.json > fs.create:*@after",
        most=2,
        is_alone=True,
    ),
    Point(
        "snapshot.renamed",
        "fs.replace_file:stats.json > fs.sync_folder:*@before",
        most=2,
        is_alone=True,
    ),
    Point("snapshot.log-synced", f"fs.sync_file:{_SEGMENT}@after", most=2, is_alone=True),
    # Compressing beside that, and after it.
    Point(
        "beside.temporary", "fs.write_new:*.zst.tmp@after", most=1, is_alone=True, compresses=True
    ),
    Point("beside.renamed", "fs.rename:*.zst@after", most=1, is_alone=True, compresses=True),
    Point("beside.removed", "fs.remove:*.jsonl@after", most=1, is_alone=True, compresses=True),
    # Taking over. The lock is held in all of these.
    Point("takeover.locked", f"{_DURING_TAKE_OVER}fs.try_lock:takeover.lock@after", most=1),
    Point("takeover.stream-locked", f"{_DURING_TAKE_OVER}fs.try_lock:lock@after", most=2),
    Point("takeover.recovered", f"{_DURING_TAKE_OVER}stream.recover:*@after", most=2),
    Point(
        "takeover.new-folder",
        f"{_DURING_TAKE_OVER}fs.make_folder:*@after",
        most=1,
        is_new_boot=True,
    ),
    Point(
        "takeover.no-owner",
        f"{_DURING_TAKE_OVER}fs.write_new:owner > fs.create:*@before",
        most=1,
        is_new_boot=True,
    ),
    Point(
        "takeover.owner",
        f"{_DURING_TAKE_OVER}fs.write_new:owner > fs.create:*@after",
        most=1,
        is_new_boot=True,
    ),
    Point(
        "takeover.letters",
        f"{_DURING_TAKE_OVER}letters.insert:#@after",
        most=1,
        after="letters.before",
    ),
    Point(
        "takeover.apply-commit",
        f"{_DURING_TAKE_OVER}queue.apply:# > database.transaction:queue.db > all@commit",
        most=1,
        after="queue.before",
    ),
    Point(
        "takeover.applied",
        f"{_DURING_TAKE_OVER}queue.apply:#@after",
        most=1,
        after="log.synced",
    ),
    Point(
        "takeover.before-release",
        f"{_DURING_TAKE_OVER}queue.release_lost:@before",
        most=1,
        after="letters.after",
    ),
    Point(
        "takeover.release-commit",
        f"{_DURING_TAKE_OVER}queue.release_lost: > database.transaction:queue.db > all@commit",
        most=1,
        after="claim.after",
    ),
    Point(
        "takeover.released",
        f"{_DURING_TAKE_OVER}queue.release_lost:@after",
        most=1,
        after="append.written",
    ),
    Point("repair.written-again", f"{_DURING_TAKE_OVER}**fs.write_again:*@after", most=1),
    Point(
        "repair.before-aside",
        f"{_DURING_TAKE_OVER}**fs.write_new:*.torn-*@before",
        most=1,
        after="append.torn",
    ),
    Point(
        "repair.aside-torn",
        f"{_DURING_TAKE_OVER}**fs.write_new:*.torn-* > **write@torn",
        most=1,
        after="append.torn",
    ),
    Point(
        "repair.aside",
        f"{_DURING_TAKE_OVER}**fs.write_new:*.torn-*@after",
        most=1,
        after="append.torn",
    ),
    Point("repair.cut", f"{_DURING_TAKE_OVER}**fs.truncate:*@after", most=1, after="append.torn"),
    # A job that is lost for the third time: its lease moves, its end is recorded, applied.
    Point("lost.moved", f"{_DURING_TAKE_OVER}queue.take_over:@after", most=1, is_loss=True),
    Point(
        "lost.recorded",
        f"{_DURING_TAKE_OVER}**file.sync:{_SEGMENT}@after",
        most=1,
        is_loss=True,
    ),
    Point(
        "lost.letter",
        f"{_DURING_TAKE_OVER}letters.insert:#@after",
        most=1,
        is_loss=True,
    ),
    # Adding jobs.
    Point("enqueue.before", "queue.enqueue_many:@before", ENQUEUE, most=1),
    Point(
        "enqueue.commit",
        "queue.enqueue_many: > database.transaction:queue.db > all@commit",
        ENQUEUE,
        most=1,
    ),
    Point("enqueue.after", "queue.enqueue_many:@after", ENQUEUE, most=1),
    # Trying dead letters again.
    Point("retry.marked", "**queue.retry_dead:@after", RETRY, most=2),
    Point("retry.deleted", "database.transaction:dlq.db > all@commit", RETRY, most=2),
    Point("retry.next", "database.transaction:dlq.db@after", RETRY, most=2),
    Point("retry.forgetting", "queue.forget_marks:@before", RETRY, most=1),
    Point("retry.forgotten", "queue.forget_marks:@after", RETRY, most=1),
    # Making stats.json anew.
    Point("rebuild.torn", "fs.replace_file:stats.json > **write@torn", REBUILD, most=1),
    Point("rebuild.temporary", "fs.replace_file:stats.json > fs.create:*@after", REBUILD, most=1),
    Point(
        "rebuild.renamed", "fs.replace_file:stats.json > fs.sync_folder:*@before", REBUILD, most=1
    ),
    # Compressing sealed segments.
    Point("compress.torn", "**fs.write_new:*.zst.tmp > **write@torn", COMPRESS, most=2),
    Point("compress.temporary", "**fs.write_new:*.zst.tmp@after", COMPRESS, most=2),
    Point("compress.renamed", "**fs.rename:*.zst@after", COMPRESS, most=2),
    Point("compress.before-remove", "**fs.remove:*.jsonl@before", COMPRESS, most=2),
    Point("compress.removed", "**fs.remove:*.jsonl@after", COMPRESS, most=2),
    # Removing old segments, when their sum is in the summary.
    Point("prune.torn", "**fs.replace_file:summary.json > **write@torn", PRUNE, most=2),
    Point("prune.temporary", "**fs.replace_file:summary.json > fs.create:*@after", PRUNE, most=2),
    Point("prune.renamed", "**fs.replace_file:summary.json > fs.sync_folder:*@before", PRUNE),
    Point("prune.summary", "**fs.replace_file:summary.json@after", PRUNE, most=2),
    Point("prune.removed", "**fs.remove:*.jsonl*@after", PRUNE),
)
