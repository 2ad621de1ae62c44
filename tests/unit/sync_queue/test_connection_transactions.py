"""Transactions and reads, among threads and connections."""

from __future__ import annotations

import threading

import pytest

from sync_queue.errors import QueueError
from tests.support.databases import names, write


class TestTransaction:
    def test_committed_for_others_at_its_end(self, opened):
        one, other = opened(), opened()
        with one.transaction() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            assert names(other) == []
        assert names(other) == ["a"]

    def test_undone_when_the_block_raises(self, opened):
        database = opened()

        def interrupted():
            with database.transaction() as connection:
                connection.execute("INSERT INTO things VALUES ('a')")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert names(database) == []

    def test_not_inside_another(self, opened):
        database = opened()
        with database.transaction(), pytest.raises(QueueError, match="begun inside another"):
            write(database)
        assert names(database) == []

    def test_not_inside_a_read(self, opened):
        database = opened()
        with database.read(), pytest.raises(QueueError, match="begun inside another"):
            write(database)

    def test_a_read_inside_sees_what_was_written(self, opened):
        database = opened()
        with database.transaction() as connection:
            connection.execute("INSERT INTO things VALUES ('a')")
            assert names(database) == ["a"]
        assert names(database) == ["a"]

    def test_a_read_sees_one_state(self, opened):
        one, other = opened(), opened()
        with one.read() as connection:
            count = "SELECT count(*) FROM things"
            assert connection.execute(count).fetchone() == (0,)
            write(other)
            assert connection.execute(count).fetchone() == (0,)
        assert names(one) == ["a"]

    def test_one_thread_at_a_time(self, opened):
        database = opened()
        with database.transaction() as connection:
            connection.execute("INSERT INTO things (name) VALUES ('0')")

        def count_up():
            for _ in range(20):
                with database.transaction() as connection:
                    (name,) = connection.execute("SELECT name FROM things").fetchone()
                    connection.execute("UPDATE things SET name = ?", (str(int(name) + 1),))

        threads = [threading.Thread(target=count_up) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names(database) == ["160"]
