from __future__ import annotations

import os
import sqlite3
import stat
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sync_queue.connection import Database
from sync_queue.errors import ForeignDatabaseError, NewerDatabaseError, QueueError
from tests.support.forking import fork, in_forked_child
from tests.support.held_clock import HeldClock

if TYPE_CHECKING:
    from pathlib import Path

OURS = 0x1234

FIRST = """\
-- A table; and a trigger, whose inner semicolons end no statement.
CREATE TABLE things (name TEXT);
CREATE TABLE log (name TEXT);
CREATE TRIGGER noted AFTER INSERT ON things BEGIN
    INSERT INTO log VALUES (new.name);
    UPDATE log SET name = upper(name);
END;
"""
SECOND = "-- One column more.\nALTER TABLE things ADD COLUMN size INTEGER;\n-- That was all.\n"


@pytest.fixture
def migrations(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_things.sql").write_text(FIRST)
    return folder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "deep" / "some.db"


@pytest.fixture
def opened(path, migrations):
    """Opens the database of this test; all are closed at its end."""
    databases = []

    def call(at=path, **options):
        options = {"application_id": OURS, "migrations": migrations} | options
        databases.append(Database(at, **options))
        return databases[-1]

    yield call
    for database in databases:
        database.close()


def write(database, name="a"):
    with database.transaction() as connection:
        connection.execute("INSERT INTO things (name) VALUES (?)", (name,))


def names(database):
    with database.read() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only their number matters


def make(path: Path, *statements: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


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


class TestSchema:
    def test_led_forward_with_its_rows(self, opened, migrations):
        old = opened()
        write(old)
        old.close()
        (migrations / "0002_size.sql").write_text(SECOND)
        database = opened()
        with database.transaction() as connection:
            connection.execute("UPDATE things SET size = 3")
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert names(database) == ["a"]

    def test_a_statement_without_its_semicolon_is_run(self, opened, migrations):
        (migrations / "0002_size.sql").write_text("ALTER TABLE things ADD COLUMN size INTEGER")
        with opened().read() as connection:
            assert connection.execute("SELECT size FROM things").fetchall() == []

    def test_a_migration_that_fails_changes_nothing(self, opened, migrations, path):
        opened().close()
        before = path.read_bytes()
        (migrations / "0002_size.sql").write_text(SECOND + "INSERT INTO nowhere VALUES (1);\n")
        with pytest.raises(QueueError, match="no such table: nowhere"):
            opened()
        assert path.read_bytes() == before

    def test_a_newer_file_is_refused(self, opened, migrations, path):
        (migrations / "0002_size.sql").write_text(SECOND)
        opened().close()
        before = path.read_bytes()
        (migrations / "0002_size.sql").unlink()
        with pytest.raises(NewerDatabaseError, match=r"version 2.*up to 1; use the newer"):
            opened()
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        "statements",
        [
            ["PRAGMA application_id = 99"],
            ["PRAGMA application_id = 99", "CREATE TABLE other (a)"],
            ["CREATE TABLE other (a)"],
            ["PRAGMA user_version = 1"],
        ],
    )
    def test_a_foreign_database_is_refused_and_not_touched(self, opened, path, statements):
        before = make(path, *statements)
        with pytest.raises(ForeignDatabaseError, match="another program"):
            opened()
        assert path.read_bytes() == before
        assert [item.name for item in path.parent.iterdir()] == ["some.db"]

    def test_a_predecessors_file_is_led_forward(self, opened, migrations, path):
        make(path, "CREATE TABLE things (name TEXT)", "INSERT INTO things VALUES ('old')")
        (migrations / "0002_size.sql").write_text(SECOND)
        database = opened(unmarked_version=lambda _: 1)
        with database.read() as connection:
            assert connection.execute("SELECT name, size FROM things").fetchall() == [("old", None)]
            assert connection.execute("PRAGMA application_id").fetchone() == (OURS,)

    def test_an_unmarked_file_that_is_not_the_predecessors(self, opened, path):
        make(path, "CREATE TABLE other (a)")
        with pytest.raises(ForeignDatabaseError):
            opened(unmarked_version=lambda _: None)

    @pytest.mark.parametrize("name", ["0003_late.sql", "two.sql", "0002.sql"])
    def test_scripts_that_are_not_numbered_in_turn(self, opened, migrations, name):
        (migrations / name).write_text(SECOND)
        with pytest.raises(QueueError, match=r"expected a file named 0002_"):
            opened()

    def test_no_scripts(self, opened, tmp_path):
        with pytest.raises(QueueError, match="no migrations found; install syncstats again"):
            opened(migrations=tmp_path / "nowhere")


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


class TestErrors:
    def test_locked_for_too_long(self, opened, path):
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
        assert path.exists()

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
