"""What crashes leave in the model of a file system."""

from __future__ import annotations

import errno
from random import Random

import pytest

from tests.support.filesystem_answers import code_of, read
from tests.support.model_filesystem import ModelFileSystem
from tests.support.model_handles import Crashed


class TestModel:
    """The model by itself: what a crash leaves."""

    @pytest.fixture
    def root(self, tmp_path):
        return tmp_path

    def made(self, root, **options):
        fs = ModelFileSystem(**options)
        fs.make_folder(root)
        return fs

    def left(self, fs, most=1000):
        """What power cuts leave of a folder's files."""
        found = set()
        for choice, after in fs.power_cuts(Random(1), most):
            content = {
                path.rsplit("/", 1)[1]: data
                for path, data in after.disk.content().items()
                if data is not None
            }
            found.add(tuple(sorted(content.items())))
            assert fs.after_power_cut(choice).disk.content() == after.disk.content()
        return found

    def test_a_kill_leaves_all_that_was_done_and_frees_the_locks(self, root):
        fs = self.made(root)
        fs.lock(root / "lock")
        fs.open_append(root / "log").write(b"line\n")
        after = fs.after_kill()
        assert read(after, root / "log") == b"line\n"
        assert after.try_lock(root / "lock") is not None

    def test_one_of_two_processes_is_killed(self, root):
        fs = self.made(root)
        other = ModelFileSystem(fs.disk)
        fs.lock(root / "lock")
        assert other.try_lock(root / "lock") is None
        fs.kill()
        assert other.try_lock(root / "lock") is not None
        with pytest.raises(Crashed):
            fs.exists(root)

    def test_what_is_synced_stays(self, root):
        fs = self.made(root)
        fs.write_new(root / "a", b"1")
        fs.replace_file(root / "b", b"2")
        fs.replace_file(root / "b", b"3")
        fs.make_folder(root / "c" / "d")
        fs.truncate(root / "a", 0)
        assert self.left(fs) == {(("a", b""), ("b", b"3"))}
        assert fs.after_power_cut().is_folder(root / "c" / "d")

    def test_of_writes_any_beginning_stays_and_the_rest_may_be_zeros(self, root):
        fs = self.made(root)
        fs.write_new(root / "log", b"")
        with fs.open_append(root / "log") as file:
            file.write(b"ab")
            file.write(b"c")
        texts = {dict(files)["log"] for files in self.left(fs)}
        assert texts == {b"", b"\0\0\0", b"a", b"a\0\0", b"ab", b"ab\0", b"abc"}

    def test_a_name_needs_its_folder_s_sync_not_the_file_s(self, root):
        fs = self.made(root)
        with fs.open_append(root / "log") as file:
            file.write(b"a")
            file.sync()
        assert self.left(fs) == {(), (("log", b"a"),)}
        fs.sync_folder(root)
        assert self.left(fs) == {(("log", b"a"),)}

    def test_names_come_in_any_order_but_each_in_its_own(self, root):
        fs = self.made(root)
        fs.open_append(root / "a")
        fs.open_append(root / "b")
        fs.rename(root / "b", root / "c")
        fs.remove(root / "a")
        a, b, c = (("a", b""),), (("b", b""),), (("c", b""),)
        assert self.left(fs) == {(), a, b, c, a + b, a + c}

    def test_a_rename_without_its_file_s_sync_may_show_an_empty_file(self, root):
        fs = self.made(root)
        fs.write_new(root / "a", b"old")
        fs.open_append(root / "b").write(b"new")
        fs.rename(root / "b", root / "a")
        texts = {dict(files)["a"] for files in self.left(fs)}
        assert {b"old", b"", b"ne", b"new"} <= texts

    def test_what_a_failed_sync_dropped_is_seen_until_the_power_cut(self, root):
        fs = self.made(root)
        fs.write_new(root / "log", b"")
        fs.fail_at = {len(fs.steps) + 3: errno.EIO}
        with fs.open_append(root / "log") as file:
            file.write(b"a")
            assert code_of(file.sync) == errno.EIO
            assert read(fs, root / "log") == b"a"
            file.sync()
            assert {dict(files)["log"] for files in self.left(fs)} == {b"", b"\0", b"a"}
            file.write(b"b")
            file.sync()
        assert read(fs.after_kill(), root / "log") == b"ab"
        assert {dict(files)["log"] for files in self.left(fs)} == {b"\0b", b"ab"}

    def test_what_a_failed_sync_dropped_is_on_the_disk_when_it_was_written_again(self, root):
        fs = self.made(root)
        fs.write_new(root / "log", b"")
        fs.fail_at = {len(fs.steps) + 3: errno.EIO}
        with fs.open_append(root / "log") as file:
            file.write(b"abc")
            assert code_of(file.sync) == errno.EIO
        fs.write_again(root / "log", 1)
        fs.sync_file(root / "log")
        assert {dict(files)["log"] for files in self.left(fs)} == {b"\0bc", b"abc"}
        fs.write_again(root / "log", 0)
        fs.sync_file(root / "log")
        assert self.left(fs) == {(("log", b"abc"),)}

    @pytest.mark.parametrize("part", [0.0, 0.5])
    def test_a_process_dies_at_a_step_and_does_nothing_more(self, root, part):
        whole = self.made(root)
        whole.replace_file(root / "a", b"1234")
        for dying, (operation, _) in enumerate(whole.steps, start=1):
            fs = ModelFileSystem(crash_at=dying, part=part)
            with pytest.raises(Crashed):
                self.run_to_its_end(fs, root)
            assert len(fs.steps) == dying
            content = fs.after_kill().disk.content()
            if operation == "write":
                (text,) = [data for path, data in content.items() if path.endswith(".tmp")]
                assert text == (b"12" if part else b"")
            if operation == "sync_folder" and dying == len(whole.steps):
                assert content[str(root / "a")] == b"1234"

    def run_to_its_end(self, fs, root):
        fs.make_folder(root)
        fs.replace_file(root / "a", b"1234")

    @pytest.mark.parametrize("operation", ["create", "write", "sync", "rename", "sync_folder"])
    def test_a_step_that_fails_leaves_the_old_file_and_no_temporary(self, root, operation):
        whole = self.made(root)
        whole.replace_file(root / "a", b"1")
        begun = len(whole.steps)
        whole.replace_file(root / "a", b"2222")
        failing = [op for op, _ in whole.steps].index(operation, begun) + 1
        fs = self.made(root, fail_at={failing: errno.ENOSPC}, part=0.5)
        fs.replace_file(root / "a", b"1")
        assert code_of(fs.replace_file, root / "a", b"2222") == errno.ENOSPC
        assert read(fs, root / "a") == (b"2222" if operation == "sync_folder" else b"1")
        assert fs.list_folder(root) == ["a"]

    def test_samples_are_what_a_seed_says_with_least_and_most_among_them(self, root):
        fs = self.made(root)
        for name in "abcdef":
            fs.open_append(root / name).write(b"text\n" * 3)
        some = self.left(fs, most=40)
        assert 10 < len(some) <= 40
        assert some == self.left(fs, most=40)
        assert {(), tuple((name, b"text\n" * 3) for name in "abcdef")} <= some

    def test_others_act_between_the_steps(self, root):
        fs = self.made(root)
        other = ModelFileSystem(fs.disk)
        seen = []
        fs.before = lambda operation, _: seen.append((operation, other.list_folder(root)))
        fs.write_new(root / "a", b"1")
        assert seen == [("create", []), ("write", ["a"]), ("sync", ["a"]), ("sync_folder", ["a"])]

    def test_nobody_waits_for_a_lock_for_ever(self, root):
        fs = self.made(root)
        with fs.lock(root / "lock"), pytest.raises(AssertionError, match="is locked"):
            fs.lock(root / "lock")
