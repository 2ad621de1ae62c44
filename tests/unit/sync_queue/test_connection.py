"""A database file: who may read it, how it is opened, what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from sync_queue.errors import QueueError
from tests.support.databases import OURS, make, names, write
from tests.support.held_clock import HeldClock


class TestFile:
    def test_folders_and_files_are_for_this_user_alone(self, opened, path):
        database = opened()
        write(database)
        assert {item.name for item in path.parent.iterdir()} == {
            "some.db",
            "some.db-wal",
            "some.db-shm",
        }
        for item in path.parent.iterdir():
            assert stat.S_IMODE(item.stat().st_mode) == 0o600, item
        for folder in (path.parent, path.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    @pytest.mark.parametrize("how", ["missing", "forbidden"])
    def test_without_mknod_too(self, opened, path, monkeypatch, how):
        def refuse(*_):
            raise PermissionError

        if how == "missing":
            monkeypatch.delattr(os, "mknod")
        else:
            monkeypatch.setattr(os, "mknod", refuse)
        write(opened())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_file_that_is_there_keeps_its_mode(self, opened, path):
        opened().close()
        path.chmod(0o640)
        write(opened())
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    @pytest.mark.parametrize(
        ("pragma", "value"),
        [
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 60_000),
            ("fullfsync", 1),
            ("application_id", OURS),
            ("user_version", 1),
        ],
    )
    def test_pragmas(self, opened, pragma, value):
        with opened().read() as connection:
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)

    def test_an_empty_file_is_taken_as_new(self, opened, path):
        path.parent.mkdir(parents=True)
        path.touch()
        database = opened()
        write(database)
        assert names(database) == ["a"]

    def test_a_folder_of_that_name(self, opened, path):
        path.mkdir(parents=True)
        with pytest.raises(QueueError, match=r"some\.db: it is no regular file; move it away"):
            opened()

    def test_a_pipe_of_that_name_does_not_hang(self, opened, path):
        path.parent.mkdir(parents=True)
        os.mkfifo(path)
        with pytest.raises(QueueError, match="no regular file"):
            opened()

    def test_a_file_where_the_folder_should_be(self, opened, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(QueueError, match=r"cannot be made .*check the folder"):
            opened(tmp_path / "file" / "some.db")

    def test_a_path_that_no_system_takes(self, opened, tmp_path):
        with pytest.raises(QueueError, match="cannot be made"):
            opened(tmp_path / "nul\0" / "some.db")

    def test_no_database(self, opened, path):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no database, but long enough to be one" * 100)
        with pytest.raises(QueueError, match=r"some\.db: it is not an SQLite database; move it"):
            opened()
        assert path.read_bytes().startswith(b"no database")

    def test_a_damaged_database(self, opened, path):
        database = opened()
        for number in range(500):
            write(database, f"name {number} " * 20)
        database.close()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 60_000)
        damaged = opened()
        with pytest.raises(QueueError, match="damaged; stop all workers"):
            names(damaged)

    def test_an_sqlite_that_is_too_old(self, opened, monkeypatch):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
        with pytest.raises(QueueError, match=r"needs 3\.35 or newer"):
            opened()


class TestWal:
    def test_waits_for_a_reader_that_keeps_the_old_mode(self, opened, path):
        make(path, f"PRAGMA application_id = {OURS}")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM sqlite_master").fetchall()
            waits = []

            def sleep(seconds):
                waits.append(seconds)
                reader.execute("ROLLBACK")

            write(opened(sleep=sleep, busy_timeout_s=0.01, clock=HeldClock()))
            assert waits == [0.01]

    def test_not_for_ever(self, opened, path):
        make(path, f"PRAGMA application_id = {OURS}")
        clock = HeldClock()
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM sqlite_master").fetchall()
            with pytest.raises(QueueError, match="kept it locked"):
                opened(sleep=clock.move_s, busy_timeout_s=0.02, clock=clock)

    def test_a_file_system_without_it(self, opened, monkeypatch):
        class Elsewhere(sqlite3.Connection):
            def execute(self, sql, *values):
                return super().execute(sql.replace("= WAL", "= DELETE"), *values)

        connect = sqlite3.connect
        monkeypatch.setattr(
            sqlite3, "connect", lambda *given, **named: connect(*given, factory=Elsewhere, **named)
        )
        with pytest.raises(QueueError, match=r"stays in mode 'delete'.*local disk"):
            opened()


class TestErrors:
    def test_locked_for_too_long(self, opened):
        waits, holds = opened(busy_timeout_s=0.05), opened()
        with (
            holds.transaction(),
            pytest.raises(
                QueueError, match=r"some\.db: another process .* more than 0\.05 s; find"
            ),
        ):
            write(waits)
        write(waits)
        assert names(holds) == ["a"]

    def test_a_writer_asks_often_for_its_turn(self, opened):
        holds = opened()
        waits = []

        def sleep(seconds):
            waits.append(seconds)
            if len(waits) == 3:
                transaction.__exit__(None, None, None)

        waiting = opened(sleep=sleep)
        transaction = holds.transaction()
        transaction.__enter__()
        write(waiting)
        assert len(waits) == 3
        assert all(0.0025 <= seconds <= 0.0075 for seconds in waits)  # SQLite's own: up to 0.1
        with waiting.read() as connection:
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (60_000,)

    def test_disk_full(self, opened):
        database = opened()
        with database.read() as connection:
            connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(QueueError, match="disk is full; free some space"):
            write(database, "a" * 100_000)
        with database.read() as connection:
            connection.execute("PRAGMA max_page_count = 1000")
        write(database)
        assert names(database) == ["a"]

    def test_read_only(self, opened):
        database = opened()
        with database.read() as connection:
            connection.execute("PRAGMA query_only = ON")
        with pytest.raises(QueueError, match="cannot be written; give this user write access"):
            write(database)

    def test_a_statement_that_is_wrong(self, opened):
        with (
            pytest.raises(QueueError, match=r"no such table: nowhere.*please report"),
            opened().read() as connection,
        ):
            connection.execute("SELECT * FROM nowhere")

    def test_a_misuse_that_python_finds(self, opened):
        with pytest.raises(QueueError, match="please report"), opened().read() as connection:
            connection.execute("SELECT ?")

    def test_a_rollback_that_fails_costs_the_connection_alone(self, opened):
        database = opened()

        def fail():
            with database.transaction() as connection:
                connection.execute("INSERT INTO things VALUES ('a')")
                connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        write(database, "b")
        assert names(database) == ["b"]
