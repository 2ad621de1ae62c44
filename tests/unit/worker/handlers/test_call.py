from __future__ import annotations

import sys

import pytest

from tests.support.handlers import make_job
from worker.errors import HandlerSpecError
from worker.handlers.call import CallHandler
from worker.handlers.loader import load_handler


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A current folder of its own; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(spec):
    return load_handler(spec, timeout_s=None)


def refused(spec):
    with pytest.raises(HandlerSpecError) as caught:
        load(spec)
    message = str(caught.value)
    assert repr(spec) in message
    assert "\n" not in message
    return message


def test_a_function_of_the_current_folder_gets_the_job(folder):
    (folder / "mysync.py").write_text("def handle(job):\n    return f'{job.kind} {job.data}'\n")
    handler = load("mysync:handle")
    assert handler(make_job([1])) == "metadata [1]"
    assert handler.enforces_timeout is False
    assert handler.ending_s is None
    handler.stop()
    handler.close()


def test_the_current_folder_is_searched_last_and_stands_there_once(folder):
    (folder / "mysync.py").write_text("def handle(job): ...\n")
    before = list(sys.path)
    load("mysync:handle")
    load("mysync:handle")
    assert sys.path == [*before, str(folder)]


def test_a_module_in_a_package_and_a_dotted_attribute(folder):
    (folder / "mypack").mkdir()
    (folder / "mypack" / "jobs.py").write_text(
        "class A:\n    class B:\n        @staticmethod\n        def run(job): return 'low'\n"
    )
    assert load("mypack.jobs:A.B.run")(make_job()) == "low"


def test_whatever_can_be_called_with_a_job_will_do(folder):
    (folder / "kinds.py").write_text(
        "import functools\n"
        "class Sync:\n"
        "    def __call__(self, job): return 'low'\n"
        "    def method(self, job, more=1): return 'low'\n"
        "sync = Sync()\n"
        "partial = functools.partial(lambda extra, job: extra, 'low')\n"
    )
    for name in ("sync", "sync.method", "partial"):
        assert load(f"kinds:{name}")(make_job()) == "low"


def test_a_builtin_that_does_not_tell_its_arguments_is_taken_at_its_word():
    assert isinstance(load("builtins:max"), CallHandler)


def test_no_such_module():
    message = refused("nosuchmodule:handle")
    assert "no module 'nosuchmodule'" in message
    assert "current folder" in message


def test_no_such_module_in_a_package(folder):
    (folder / "mypack").mkdir()
    (folder / "mypack" / "__init__.py").write_text("")
    assert "no module 'mypack.jobs'" in refused("mypack.jobs:handle")


def test_a_module_that_needs_another_says_which(folder):
    (folder / "mysync.py").write_text("import plexapi_of_no_one\n")
    message = refused("mysync:handle")
    assert "needs the module 'plexapi_of_no_one'" in message
    assert "pipx inject" in message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("raise ValueError('no\\ntoken')", "ValueError: no token"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("def handle(job)", "SyntaxError"),
    ],
)
def test_an_import_that_fails_says_how(folder, text, named):
    (folder / "mysync.py").write_text(text + "\n")
    assert f"importing mysync failed with {named}" in refused("mysync:handle")


def test_no_such_attribute_names_the_file_that_was_found(folder):
    (folder / "mysync.py").write_text("class A: ...\n")
    assert "'handle' is not in mysync" in refused("mysync:handle")
    assert str(folder / "mysync.py") in refused("mysync:A.run")


def test_a_name_of_our_own_packages_is_explained(folder):
    (folder / "worker.py").write_text("def handle(job): ...\n")
    (folder / "events").mkdir()
    (folder / "events" / "mine.py").write_text("def handle(job): ...\n")
    for spec in ("worker:handle", "events.mine:handle"):
        assert "is a package of syncstats itself" in refused(spec)


def test_a_name_of_the_standard_library_is_explained(folder):
    (folder / "colorsys.py").write_text("def handle(job): ...\n")
    message = refused("colorsys:handle")
    assert f"{folder / 'colorsys.py'} was not imported" in message
    assert "searched last" in message


def test_not_callable(folder):
    (folder / "mysync.py").write_text("handle = 3\n")
    assert "it is a int, not a function" in refused("mysync:handle")


@pytest.mark.parametrize(
    "text",
    [
        "async def handle(job): ...",
        "async def handle(job): yield",
        "class H:\n    async def __call__(self, job): ...\nhandle = H()",
        "import functools\nasync def a(x, job): ...\nhandle = functools.partial(a, 1)",
    ],
)
def test_asynchronous_functions_are_refused(folder, text):
    (folder / "mysync.py").write_text(text + "\n")
    assert "asyncio.run()" in refused("mysync:handle")


def test_a_generator_function_would_do_nothing_and_is_refused(folder):
    (folder / "mysync.py").write_text("def handle(job): yield 1\n")
    assert "generator" in refused("mysync:handle")


@pytest.mark.parametrize("arguments", ["", "a, b", "*, job"])
def test_a_function_that_cannot_take_one_job_is_refused(folder, arguments):
    (folder / "mysync.py").write_text(f"def handle({arguments}): ...\n")
    assert "cannot be called with one job" in refused("mysync:handle")


@pytest.mark.parametrize("spec", ["mysync", "", ":", "mysync:", ":handle", "exec:", "nfo: "])
def test_a_spec_without_its_parts_names_the_forms(spec):
    assert "module:callable, exec:COMMAND or nfo:LIBRARY" in refused(spec)


@pytest.mark.parametrize(
    "spec", ["my-sync:handle", "./mysync.py:handle", "mysync:handle()", "a:b:c"]
)
def test_a_spec_that_is_no_python_name_shows_one(spec):
    assert "dotted Python names" in refused(spec)


def test_an_error_passes_as_it_is():
    error = KeyError("x")

    def handle(_):
        raise error

    with pytest.raises(KeyError) as caught:
        CallHandler(handle)(make_job())
    assert caught.value is error
