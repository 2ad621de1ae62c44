"""`syncstats dlq`: the jobs that will not be retried by themselves."""

from __future__ import annotations

from projections.cli.lazy import Lazy, LazyGroup

dlq = LazyGroup(
    name="dlq",
    lazy={
        "list": Lazy("projections.cli.dlq.list:list_letters", "List the newest dead letters."),
        "summary": Lazy("projections.cli.dlq.summary:summary", "Count them by error type."),
        "show": Lazy("projections.cli.dlq.show:show", "Show one: error, trace and job."),
        "retry": Lazy("projections.cli.dlq.retry:retry", "Enqueue their jobs again."),
        "purge": Lazy("projections.cli.dlq.purge:purge", "Delete them for good."),
        "restore": Lazy(
            "projections.cli.dlq.restore:restore", "Put back from the log what dlq.db lost."
        ),
    },
    help="""The dead letters: jobs that failed for good and will not be retried by themselves.

    A job is dead after a PermanentError, after all its tries, or when it killed its worker three
    times. Look at what died of what (summary, list, show), mend the cause, then retry.
    """,
)
