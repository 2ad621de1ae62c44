"""The schema of a database: led forward, or refused where it is not ours."""

from __future__ import annotations

import pytest

from sync_queue.errors import ForeignDatabaseError, NewerDatabaseError, QueueError
from tests.support.databases import OURS, SECOND_SCRIPT, make, names, write


class TestSchema:
    def test_led_forward_with_its_rows(self, opened, migrations):
        old = opened()
        write(old)
        old.close()
        (migrations / "0002_size.sql").write_text(SECOND_SCRIPT)
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
        (migrations / "0002_size.sql").write_text(
            SECOND_SCRIPT + "INSERT INTO nowhere VALUES (1);\n"
        )
        with pytest.raises(QueueError, match="no such table: nowhere"):
            opened()
        assert path.read_bytes() == before

    def test_a_newer_file_is_refused(self, opened, migrations, path):
        (migrations / "0002_size.sql").write_text(SECOND_SCRIPT)
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
        (migrations / "0002_size.sql").write_text(SECOND_SCRIPT)
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
        (migrations / name).write_text(SECOND_SCRIPT)
        with pytest.raises(QueueError, match=r"expected a file named 0002_"):
            opened()

    def test_no_scripts(self, opened, tmp_path):
        with pytest.raises(QueueError, match="no migrations found; install syncstats again"):
            opened(migrations=tmp_path / "nowhere")
