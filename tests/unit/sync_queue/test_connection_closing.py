"""Databases that are closed: nothing of theirs stays open."""

from __future__ import annotations

import threading

import pytest

from sync_queue.errors import ForeignDatabaseError, QueueError
from tests.support.databases import descriptors, make, names, write


class TestClosing:
    def test_use_after_it(self, opened):
        with opened() as database:
            write(database)
        database.close()
        for use in (names, write):
            with pytest.raises(QueueError, match="has been closed; open it again"):
                use(database)

    def test_inside_a_transaction_takes_effect_at_its_end(self, opened):
        before = descriptors()
        database = opened()
        with database.transaction() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            database.close()
        assert descriptors() == before
        assert names(opened()) == ["a"]

    def test_calls_and_threads_add_no_descriptors(self, opened):
        database = opened()
        write(database)
        before = descriptors()
        for _ in range(10_000):
            with database.read():
                pass
        for _ in range(20):
            thread = threading.Thread(target=write, args=(database,))
            thread.start()
            thread.join()
        assert descriptors() == before

    def test_opening_and_closing_adds_none(self, opened):
        opened()
        before = descriptors()
        for _ in range(50):
            opened().close()
        # SQLite keeps one for the next, while another connection's locks hang on the file.
        assert descriptors() <= before + 1

    def test_failing_to_open_leaves_none(self, opened, path):
        make(path, "CREATE TABLE other (a)")
        before = descriptors()
        with pytest.raises(ForeignDatabaseError):
            opened()
        assert descriptors() == before

    def test_one_that_is_not_kept_open(self, opened, path):
        before = descriptors()
        database = opened(keep_open=False)
        write(database)
        assert names(database) == ["a"]
        with database.transaction() as connection:
            connection.execute("INSERT INTO things VALUES ('b')")
            assert names(database) == ["a", "b"]
        assert descriptors() == before
        assert [item.name for item in path.parent.iterdir()] == ["some.db"]
