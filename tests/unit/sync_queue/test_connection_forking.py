"""A process that is forked while it has a database."""

from __future__ import annotations

import os
import threading

import pytest

from sync_queue.errors import QueueError
from tests.support.databases import descriptors, names, write
from tests.support.forking import fork, in_forked_child


class TestFork:
    def test_a_child_has_locks_of_its_own(self, opened):
        database = opened()
        write(database, "parent")

        def child():
            write(database, "child")
            database_of_another = opened()  # a parent that ends takes nothing from the child
            database_of_another.close()
            return names(database)

        assert in_forked_child(child) == "['child', 'parent']"
        write(database, "parent again")
        assert names(database) == ["child", "parent", "parent again"]

    def test_what_the_child_commits_outlives_the_parents_closing(self, opened):
        database = opened()
        write(database, "parent")
        go_read, go_write = os.pipe()
        ready_read, ready_write = os.pipe()
        child = fork()
        if child == 0:
            write(database, "child")
            os.write(ready_write, b".")
            os.read(go_read, 1)
            write(database, "child again")
            os._exit(0)
        os.read(ready_read, 1)
        database.close()  # as the last one it would remove the WAL, but it is not the last one
        os.write(go_write, b".")
        os.waitpid(child, 0)
        for end in (go_read, go_write, ready_read, ready_write):
            os.close(end)
        assert names(opened()) == ["child", "child again", "parent"]

    def test_inside_a_transaction_the_child_takes_no_part(self, opened):
        database = opened()
        read_end, write_end = os.pipe()
        parent = os.getpid()
        told = []
        try:
            with database.transaction() as connection:
                connection.execute("INSERT INTO things VALUES ('a')")
                child = fork()
                if child:
                    os.waitpid(child, 0)
        except QueueError as error:
            told.append(str(error))
        if os.getpid() != parent:
            try:
                names(database)
            except QueueError as error:
                told.append(str(error))
            os.write(write_end, "\n".join(told).encode())
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            first, second = pipe.read().splitlines()
        assert "forked inside a transaction" in first
        assert "forked while its parent was using the database" in second
        assert told == []
        assert names(database) == ["a"]

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_while_another_thread_is_inside(self, opened):
        database = opened()
        inside, leave = threading.Event(), threading.Event()

        def hold():
            with database.transaction() as connection:
                connection.execute("INSERT INTO things VALUES ('a')")
                inside.set()
                leave.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        inside.wait()
        told = in_forked_child(lambda: names(database))
        leave.set()
        thread.join()
        assert "QueueError" in told
        assert "start it with `spawn`" in told
        assert names(database) == ["a"]

    def test_as_the_child_sees_it(self, opened, monkeypatch):
        # Seen from inside one process, because a forked child's coverage is not recorded.
        database = opened()
        write(database)
        before = descriptors()
        parent = os.getpid()
        monkeypatch.setattr(os, "getpid", lambda: parent + 1)
        assert names(database) == ["a"]
        assert descriptors() == before  # the inherited connection is closed
        monkeypatch.setattr(os, "getpid", lambda: parent + 2)
        database.close()
        assert descriptors() < before

        other = opened()
        with pytest.raises(QueueError, match="forked inside a transaction"), other.transaction():
            monkeypatch.setattr(os, "getpid", lambda: parent + 3)
        with pytest.raises(QueueError, match="start it with `spawn`"):
            names(other)
        monkeypatch.setattr(os, "getpid", lambda: parent + 2)
        other._handles[parent + 2].depth = 0
