from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem, lock, locks, try_lock
from tests.support.locked import is_locked
from tests.support.other_python import mode_of, other_process, python

FS = RealFileSystem()


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
