from __future__ import annotations

import contextlib
import errno
import fcntl
import multiprocessing
import os
import select
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from events.errors import EventsError
from events.filesystem import (
    UNKNOWN_BOOT,
    RealFileSystem,
    boot_id,
    is_network_filesystem,
    lock,
    locks,
    replace_file,
    try_lock,
)
from tests.support.locked import is_locked

FS = RealFileSystem()
LINE_BYTES = 100 * 1024
LINES = 200


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def python(code, *arguments, **options):
    """Run ``code`` in another Python; its standard output."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


@contextlib.contextmanager
def other_process(code, *arguments):
    """Another Python that runs ``code`` and has printed one line when the block begins."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


HOLDER = """
    import sys
    from events.filesystem import lock
    held = lock(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    held.release()
    print("released", flush=True)
    sys.stdin.readline()
"""


def append_lines(path, writer):
    with FS.open_append(path) as file:
        for number in range(LINES):
            head = b"%d %d " % (writer, number)
            file.write(head + bytes([97 + writer]) * (LINE_BYTES - len(head) - 1) + b"\n")


class TestAppend:
    def test_adds_at_the_end_and_counts_bytes(self, tmp_path):
        path = tmp_path / "log"
        with FS.open_append(path) as file:
            file.write(b"one\n")
        with FS.open_append(path) as file:
            assert file.size() == 4
            file.write(b"two\n")
            file.sync()
            assert file.size() == 8
        assert path.read_bytes() == b"one\ntwo\n"
        assert mode_of(path) == 0o600

    def test_is_unbuffered(self, tmp_path):
        with FS.open_append(tmp_path / "log") as file:
            file.write(b"seen at once")
            assert (tmp_path / "log").read_bytes() == b"seen at once"

    def test_closing_twice_closes_no_stranger(self, tmp_path):
        file = FS.open_append(tmp_path / "log")
        file.close()
        with (tmp_path / "log").open("rb") as stranger:
            file.close()
            assert stranger.read() == b""

    def test_a_short_write_is_continued(self, tmp_path, monkeypatch):
        write = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
        with FS.open_append(tmp_path / "log") as file:
            file.write(b"0123456789\n")
        assert (tmp_path / "log").read_bytes() == b"0123456789\n"

    def test_a_write_that_stops_for_good_is_an_error(self, tmp_path, monkeypatch):
        sizes = iter([3, 0])
        monkeypatch.setattr(os, "write", lambda _descriptor, _data: next(sizes))
        with FS.open_append(tmp_path / "log") as file, pytest.raises(OSError) as caught:  # noqa: PT011 - errno is checked
            file.write(b"0123456789\n")
        assert caught.value.errno == errno.EIO

    def test_the_file_size_limit_is_an_error_after_a_real_short_write(self, tmp_path):
        answer = python(
            """
            import resource, sys
            from events.filesystem import RealFileSystem
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
            with RealFileSystem().open_append(sys.argv[1]) as file:
                try:
                    file.write(b"x" * 20)
                except OSError as error:
                    print(error.errno, file.size())
            """,
            tmp_path / "log",
        )
        assert answer.split() == [str(errno.EFBIG), "10"]

    def test_eight_processes_write_whole_lines(self, tmp_path):
        path = tmp_path / "log"
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=append_lines, args=(path, n)) for n in range(8)]
        for process in writers:
            process.start()
        for process in writers:
            process.join()
        assert [process.exitcode for process in writers] == [0] * 8
        next_number = [0] * 8
        with path.open("rb") as file:
            for line in file:
                writer, number, filling = line.split(b" ")
                assert len(line) == LINE_BYTES
                assert filling == bytes([97 + int(writer)]) * (len(filling) - 1) + b"\n"
                assert int(number) == next_number[int(writer)]
                next_number[int(writer)] += 1
        assert next_number == [LINES] * 8

    def test_a_link_is_not_written_through(self, tmp_path):
        victim = tmp_path / "victim"
        victim.write_text("mine")
        (tmp_path / "log").symlink_to(victim)
        with pytest.raises(EventsError, match=r"log is a symbolic link"):
            FS.open_append(tmp_path / "log")
        with pytest.raises(EventsError, match=r"log is a symbolic link"):
            FS.truncate(tmp_path / "log", 0)
        assert victim.read_text() == "mine"

    def test_a_missing_folder_is_the_systems_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            FS.open_append(tmp_path / "none" / "log")


class TestRead:
    def test_reads_through_a_link(self, tmp_path):
        (tmp_path / "real").write_bytes(b"text")
        (tmp_path / "link").symlink_to("real")
        with FS.open_read(tmp_path / "link") as file:
            assert file.read() == b"text"

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(EventsError, match="is a folder: name a file"):
            FS.open_read(tmp_path)

    def test_a_pipe_is_refused_without_waiting_for_a_writer(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(EventsError, match="no regular file"):
            FS.open_read(tmp_path / "pipe")

    def test_names_that_are_no_utf8_are_listed_and_opened(self, tmp_path):
        (tmp_path / os.fsdecode(b"b\xff")).write_bytes(b"x")
        (tmp_path / "a").write_bytes(b"")
        assert FS.list_folder(tmp_path) == ["a", "b\udcff"]
        with FS.open_read(tmp_path / "b\udcff") as file:
            assert file.read() == b"x"

    def test_what_is_asked_about_a_path(self, tmp_path):
        path = tmp_path / "file"
        assert not FS.exists(path)
        path.write_bytes(b"12345")
        (tmp_path / "link").symlink_to(tmp_path)
        (tmp_path / "twin").hardlink_to(path)
        assert FS.exists(path)
        assert FS.size(path) == 5
        assert (
            FS.identity(path)
            == FS.identity(tmp_path / "twin")
            == (
                path.stat().st_dev,
                path.stat().st_ino,
            )
        )
        assert FS.is_folder(tmp_path)
        assert not FS.is_folder(tmp_path / "link")
        assert not FS.is_folder(path)
        assert not FS.is_folder(path / "below")


class TestChange:
    def test_truncate_cuts(self, tmp_path):
        (tmp_path / "log").write_bytes(b"one\ntw")
        FS.truncate(tmp_path / "log", 4)
        FS.sync_file(tmp_path / "log")
        assert (tmp_path / "log").read_bytes() == b"one\n"

    def test_writing_again_goes_on_after_short_writes_and_ends_where_nothing_is_taken(
        self, tmp_path, monkeypatch
    ):
        text = bytes(range(256)) * 5000
        (tmp_path / "log").write_bytes(text)
        pwrite = os.pwrite
        written = []

        def short(descriptor, data, offset):
            written.append((offset, pwrite(descriptor, data[:99_999], offset)))
            return written[-1][1]

        monkeypatch.setattr(os, "pwrite", short)
        FS.write_again(tmp_path / "log", 1000)
        assert (tmp_path / "log").read_bytes() == text
        assert written[0][0] == 1000
        assert sum(size for _, size in written) == len(text) - 1000
        monkeypatch.setattr(os, "pwrite", lambda *_: 0)
        with pytest.raises(OSError, match="takes no more"):
            FS.write_again(tmp_path / "log", 0)

    def test_write_new_makes_but_never_overwrites(self, tmp_path):
        FS.write_new(tmp_path / "a", b"text")
        FS.write_new(tmp_path / "b", iter([b"in ", b"parts"]))
        with pytest.raises(FileExistsError):
            FS.write_new(tmp_path / "a", b"other")
        assert (tmp_path / "a").read_bytes() == b"text"
        assert (tmp_path / "b").read_bytes() == b"in parts"
        assert mode_of(tmp_path / "a") == 0o600

    def test_write_new_leaves_no_half(self, tmp_path):
        def parts():
            yield b"half"
            raise OSError(errno.EIO, "the source broke")

        with pytest.raises(OSError, match="the source broke"):
            FS.write_new(tmp_path / "a", parts())
        assert FS.list_folder(tmp_path) == []

    def test_rename_and_remove(self, tmp_path):
        (tmp_path / "a").write_bytes(b"1")
        (tmp_path / "b").write_bytes(b"2")
        FS.rename(tmp_path / "a", tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == b"1"
        FS.remove(tmp_path / "b")
        assert FS.list_folder(tmp_path) == []

    def test_make_folder_makes_its_parents_private_too(self, tmp_path):
        FS.make_folder(tmp_path / "a" / "b")
        FS.make_folder(tmp_path / "a" / "b")
        FS.make_folder(tmp_path / "c", 0o750)
        assert mode_of(tmp_path / "a") == mode_of(tmp_path / "a" / "b") == 0o700
        assert mode_of(tmp_path / "c") == 0o750

    def test_make_folder_syncs_its_parent_s_name_too_where_it_may(self, tmp_path, monkeypatch):
        """Who made the parent may have died before that name was on the disk."""
        synced = []

        def sync_folder(_self, path):
            synced.append(path)
            if path == tmp_path.parent:
                raise PermissionError(errno.EACCES, "not ours")

        monkeypatch.setattr(RealFileSystem, "sync_folder", sync_folder)
        FS.make_folder(tmp_path / "a")
        FS.make_folder(tmp_path / "a" / "b" / "c")
        assert synced == [
            tmp_path,
            tmp_path.parent,
            tmp_path / "a",
            tmp_path,
            tmp_path / "a" / "b",
        ]

    @pytest.mark.parametrize("below", ["", "x", "x/y"])
    def test_make_folder_says_what_stands_in_the_way(self, tmp_path, below):
        (tmp_path / "file").write_text("")
        with pytest.raises(EventsError, match="is no folder"):
            FS.make_folder(tmp_path / "file" / below)

    def test_sync_folder_where_the_file_system_cannot(self, tmp_path, monkeypatch):
        def refuse(code):
            def fsync(_descriptor):
                raise OSError(code, os.strerror(code))

            return fsync

        monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
        FS.sync_folder(tmp_path)
        monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
        with pytest.raises(OSError, match="Input/output error"):
            FS.sync_folder(tmp_path)


class TestReplace:
    def test_replaces_and_takes_the_umask_or_the_mode(self, tmp_path):
        old = os.umask(0o027)
        try:
            replace_file(tmp_path / "a", b"1")
            FS.replace_file(tmp_path / "b", b"1", 0o604)
        finally:
            os.umask(old)
        replace_file(tmp_path / "b", b"22", 0o600)
        assert (tmp_path / "b").read_bytes() == b"22"
        assert mode_of(tmp_path / "a") == 0o640
        assert mode_of(tmp_path / "b") == 0o600
        assert FS.list_folder(tmp_path) == ["a", "b"]

    def test_the_longest_of_names(self, tmp_path):
        replace_file(tmp_path / ("n" * 255), b"1")
        assert FS.list_folder(tmp_path) == ["n" * 255]

    def test_a_link_is_replaced_and_its_target_left(self, tmp_path):
        (tmp_path / "victim").write_bytes(b"mine")
        (tmp_path / "stats").symlink_to("victim")
        replace_file(tmp_path / "stats", b"new")
        assert (tmp_path / "victim").read_bytes() == b"mine"
        assert (tmp_path / "stats").read_bytes() == b"new"

    @pytest.mark.parametrize("call", ["write", "fdatasync", "fchmod"])
    def test_an_error_before_leaves_the_old_and_no_temporary(self, tmp_path, monkeypatch, call):
        (tmp_path / "stats").write_bytes(b"old")

        def full(*_arguments):
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(os, call, full)
        with pytest.raises(OSError, match="full") as caught:
            replace_file(tmp_path / "stats", b"new", 0o600)
        assert caught.value.filename == str(tmp_path / "stats")  # not the temporary one's name
        assert caught.value.errno == errno.ENOSPC
        assert FS.list_folder(tmp_path) == ["stats"]
        assert (tmp_path / "stats").read_bytes() == b"old"

    def test_a_folder_in_the_way_leaves_no_temporary(self, tmp_path):
        (tmp_path / "stats" / "inside").mkdir(parents=True)
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which of the system's errors differs
            replace_file(tmp_path / "stats", b"new")
        assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "stats"), None)
        assert FS.list_folder(tmp_path) == ["stats"]

    def test_order_of_calls(self, tmp_path, monkeypatch):
        calls = []
        for name in ("write", "fdatasync", "rename", "replace", "fsync"):
            real = getattr(os, name)

            def record(*arguments, name=name, real=real):
                calls.append(name)
                return real(*arguments)

            monkeypatch.setattr(os, name, record)
        replace_file(tmp_path / "a", b"1")
        assert calls == ["write", "fdatasync", "replace", "fsync"]


class TestLock:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "lock"

    def test_is_exclusive_in_the_process_and_free_after_release(self, path):
        with lock(path):
            assert is_locked(path)
            assert try_lock(path) is None
        assert not is_locked(path)
        held = FS.try_lock(path)
        assert held is not None
        assert FS.try_lock(path) is None
        held.release()
        assert mode_of(path) == 0o600

    def test_another_name_of_the_file_is_the_same_lock(self, path, tmp_path):
        with lock(path):
            (tmp_path / "twin").hardlink_to(path)
            assert try_lock(tmp_path / "twin") is None
        with FS.lock(tmp_path / "twin"):
            assert is_locked(path)

    def test_a_second_release_does_not_free_the_next_holders_lock(self, path):
        first = lock(path)
        first.release()
        with lock(path):
            first.release()
            assert try_lock(path) is None

    def test_looking_does_not_let_the_lock_go(self, path):
        """Closing any descriptor of the file would: so none is opened."""
        with lock(path):
            assert try_lock(path) is None
            assert is_locked(path)
            code = "import sys; from events.filesystem import *; print(try_lock(sys.argv[1]))"
            assert python(code, path) == "None\n"

    def test_another_process_holds_it(self, path):
        with other_process(HOLDER, path) as process:
            assert is_locked(path)
            assert try_lock(path) is None
            process.stdin.write("\n")
            process.stdin.flush()
            with lock(path):
                assert process.stdout.readline() == "released\n"

    def test_is_free_when_its_process_is_killed(self, path):
        with other_process(HOLDER, path) as process:
            process.kill()
            process.wait()
            held = try_lock(path)
            assert held is not None
            held.release()

    def test_waits_for_another_process(self, path):
        waiter = """
            import sys
            from events.filesystem import lock
            print("ready", flush=True)
            with lock(sys.argv[1]):
                print("mine", flush=True)
        """
        with lock(path) as held, other_process(waiter, path) as process:
            ready, _, _ = select.select([process.stdout], [], [], 0.2)
            assert not ready
            held.release()
            assert process.stdout.readline() == "mine\n"

    def test_waits_for_another_thread(self, path):
        order = []
        begun = threading.Event()

        def wait():
            begun.set()
            with lock(path):
                order.append("second")

        with lock(path):
            thread = threading.Thread(target=wait)
            thread.start()
            begun.wait()
            order.append("first")
        thread.join()
        assert order == ["first", "second"]

    def test_threads_and_processes_lose_no_update(self, path, tmp_path):
        counter = tmp_path / "counter"
        counter.write_text("0")
        code = """
            import sys, threading
            from pathlib import Path
            from events.filesystem import lock
            counter = Path(sys.argv[2])
            def work():
                for _ in range(100):
                    with lock(sys.argv[1]):
                        counter.write_text(str(int(counter.read_text()) + 1))
            threads = [threading.Thread(target=work) for _ in range(3)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        """
        command = [sys.executable, "-c", textwrap.dedent(code), str(path), str(counter)]
        processes = [subprocess.Popen(command) for _ in range(3)]
        assert [process.wait() for process in processes] == [0, 0, 0]
        assert counter.read_text() == "900"

    def test_a_forked_child_neither_keeps_it_nor_disturbs_it(self, path):
        """The parent is killed while its child lives: the lock is free."""
        code = """
            import os, sys
            from events.filesystem import lock, try_lock
            held = lock(sys.argv[1])
            child = os.fork()
            if child == 0:
                held.release()          # the child holds nothing: no effect on the parent
                print(os.getpid(), try_lock(sys.argv[1]), flush=True)
                sys.stdin.readline()    # lives on until the test ends it
                os._exit(0)
            os.waitpid(child, 0)
        """
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as parent:
            child, told = parent.stdout.readline().split()
            assert told == "None"
            assert try_lock(path) is None
            parent.kill()
            parent.wait()
            os.kill(int(child), 0)
            held = try_lock(path)
            os.kill(int(child), signal.SIGKILL)
            assert held is not None
            held.release()

    def test_a_forked_child_takes_and_keeps_a_lock_of_its_own(self, path):
        """A descriptor that it inherited must not be closed after it has taken the lock."""
        code = """
            import os, sys
            from events.filesystem import lock
            held = lock(sys.argv[1])
            begin, go = os.pipe()
            if os.fork() == 0:
                os.read(begin, 1)
                mine = lock(sys.argv[1])
                held.release()
                del held
                print("child has it", flush=True)
                sys.stdin.readline()
                os._exit(0)
            held.release()
            os.write(go, b"x")
            os.wait()
        """
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as parent:
            assert parent.stdout.readline() == "child has it\n"
            assert is_locked(path)
            assert try_lock(path) is None
            parent.communicate("\n")
        assert not is_locked(path)

    def test_what_a_fork_does_to_the_childs_side(self, path):
        """The same in this process: as in a child, whose guard another thread may have held."""
        registry = locks._Registry()
        descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting names
        inherited = registry.acquire(path, wait=True)
        registry._free.acquire()
        registry._after_fork()
        assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208 - counting names
        inherited.release()
        own = registry.acquire(path, wait=False)
        assert own is not None
        inherited.release()
        assert registry.acquire(path, wait=False) is None
        own.release()

    def test_a_link_and_a_pipe_are_refused(self, path, tmp_path):
        path.symlink_to("elsewhere")
        with pytest.raises(EventsError, match="symbolic link: remove it"):
            lock(path)
        assert not (tmp_path / "elsewhere").exists()
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(EventsError, match="no regular file"):
            try_lock(path)

    def test_a_missing_folder_is_the_systems_error(self, path):
        with pytest.raises(FileNotFoundError):
            lock(path / "below")

    @pytest.mark.parametrize("wait", [True, False])
    def test_a_failure_leaves_it_free(self, path, monkeypatch, wait):
        def refuse(code):
            def lockf(_descriptor, _command):
                raise OSError(code, os.strerror(code))

            return lockf

        take = lock if wait else try_lock
        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "lockf", refuse(errno.ENOLCK))
            with pytest.raises(EventsError, match="network file system"):
                take(path)
            patch.setattr(fcntl, "lockf", refuse(errno.EIO))
            with pytest.raises(OSError, match="Input/output error"):
                take(path)
        with lock(path):
            pass

    def test_an_interrupted_wait_leaves_it_free(self, path, monkeypatch):
        real = fcntl.lockf

        def lockf(descriptor, command):
            if command & fcntl.LOCK_NB:
                real(descriptor, command)
            else:
                raise KeyboardInterrupt

        monkeypatch.setattr(fcntl, "lockf", lockf)
        with other_process(HOLDER, path):
            with pytest.raises(KeyboardInterrupt):
                lock(path)
            assert try_lock(path) is None
        with lock(path):
            pass

    def test_a_circle_that_the_kernel_sees_wrongly_is_waited_out(self, path, monkeypatch):
        real = fcntl.lockf
        answers = iter([errno.EAGAIN, errno.EDEADLK])

        def lockf(descriptor, command):
            code = next(answers, None)
            if code is not None:
                raise OSError(code, os.strerror(code))
            real(descriptor, command)

        monkeypatch.setattr(fcntl, "lockf", lockf)
        with lock(path):
            assert try_lock(path) is None

    def test_a_name_given_to_a_held_file_while_it_is_opened(self, path, tmp_path, monkeypatch):
        """The descriptor that came too late is kept, since closing it would free the lock."""
        with lock(path):
            twin = tmp_path / "twin"
            twin.hardlink_to(path)
            real = locks._key_of
            unseen = iter([(0, 0)])
            monkeypatch.setattr(locks, "_key_of", lambda name: next(unseen, None) or real(name))
            assert try_lock(twin) is None
            monkeypatch.undo()
            code = "import sys; from events.filesystem import *; print(try_lock(sys.argv[1]))"
            assert python(code, path) == "None\n"
        assert not is_locked(path)


def test_windows_imports_all_reads_all_and_says_that_it_has_no_locks(tmp_path):
    """A stand-in: the branches for Windows run here, its system calls do not."""
    answer = python(
        """
        import os, pathlib, subprocess, sys, stat, typing, threading, contextlib, struct
        sys.platform = "win32"
        from events.errors import EventsError
        from events.filesystem import RealFileSystem, try_lock
        fs = RealFileSystem()
        path = os.path.join(sys.argv[1], "a")
        fs.make_folder(os.path.join(sys.argv[1], "b"))
        fs.replace_file(path, b"text", 0o600)
        fs.sync_file(path)
        with fs.open_read(path) as file:
            print(file.read().decode())
        try:
            try_lock(path)
        except EventsError as error:
            print(error)
        """,
        tmp_path,
    )
    assert answer.splitlines()[0] == "text"
    assert "no record locks on Windows" in answer


def test_locks_load_nothing_but_the_standard_library():
    code = """
        import sys
        from events.filesystem import lock, replace_file, try_lock
        top = {name.partition(".")[0] for name in sys.modules}
        print(sorted(top & {"structlog", "rich", "orjson", "msgspec", "zstandard", "click"}))
    """
    assert python(code) == "[]\n"


class TestMachine:
    def test_boot_id_is_the_kernels(self):
        assert boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    @pytest.mark.parametrize("content", [None, b"", b"\xff"])
    def test_boot_id_that_cannot_be_read(self, tmp_path, content):
        if content is not None:
            (tmp_path / "id").write_bytes(content)
        assert boot_id(tmp_path / "id") == UNKNOWN_BOOT

    @pytest.mark.parametrize(
        ("place", "kind"),
        [
            ("/data/x", None),
            ("/data/nas", "nfs4"),
            ("/data/nas/deep/er", "nfs4"),
            ("/data/nasty", None),
            ("/data/with blank/x", "cifs"),
            ("/data/ssh", "fuse.sshfs"),
            ("/data/ntfs", None),
            ("/data/covered", None),
            ("/data/\udcff", "9p"),
        ],
    )
    def test_the_innermost_mount_decides(self, tmp_path, place, kind):
        table = [
            rb"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
            rb"23 22 0:50 / /data/nas rw - nfs4 server:/x rw",
            rb"24 22 0:51 / /data/with\040blank rw shared:2 master:1 - cifs //server/y rw",
            rb"25 22 0:52 / /data/ssh rw - fuse.sshfs me@there:/ rw",
            rb"26 22 0:53 / /data/ntfs rw - fuseblk /dev/sdb rw",
            rb"27 22 0:54 / /data/covered rw - nfs server:/x rw",
            rb"28 27 0:55 / /data/covered rw - ext4 /dev/sdc rw",
            b"29 22 0:56 / /data/\xff rw - 9p host rw",
            rb"cut short",
        ]
        (tmp_path / "mounts").write_bytes(b"\n".join(table))
        assert is_network_filesystem(place, tmp_path / "mounts") == kind

    def test_a_link_counts_where_it_leads(self, tmp_path):
        (tmp_path / "link").symlink_to("/data/nas")
        (tmp_path / "mounts").write_text(
            "22 1 254:0 / / rw - ext4 /dev/vda rw\n23 22 0:50 / /data/nas rw - nfs server:/x rw\n"
        )
        assert is_network_filesystem(tmp_path / "link" / "d", tmp_path / "mounts") == "nfs"

    def test_without_a_table_all_is_local(self, tmp_path):
        assert is_network_filesystem(tmp_path, tmp_path / "none") is None

    def test_this_machine(self, tmp_path):
        assert is_network_filesystem(tmp_path) is None
