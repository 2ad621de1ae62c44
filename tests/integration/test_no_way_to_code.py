"""Nothing that is read can become code: no eval, no shell, no pickle, in all four packages."""

from __future__ import annotations

import ast

import pytest

from tests.support.project import PACKAGES, ROOT, tracked_files

SOURCES = [
    p for p in tracked_files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in PACKAGES
]
CALLS = {"eval", "exec", "compile", "__import__", "execfile", "input", "breakpoint"}
OF_OS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
BEGINNINGS = ("exec", "spawn")
MODULES = {
    *("pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "code", "codeop", "pty"),
    *("yaml", "jsonpickle", "runpy", "xmlrpc", "ctypes", "telnetlib", "ftplib"),
}
OF_SUBPROCESS = {"getoutput", "getstatusoutput"}
# What makes a module or a program of a name, and whose name that is; or calls what is no Python.
EXCUSED = {
    ("worker/handlers/call.py", "importlib.import_module"): "--handler module:callable",
    ("projections/cli/distribution.py", "importlib.import_module"): "our own four packages",
    ("events/follow/hints.py", "ctypes"): "two functions of the C library: inotify",
    ("projections/cli/lazy.py", "importlib.import_module"): "the table of commands in main.py",
}


def named(node: ast.AST) -> str:
    """`os.system` of the syntax tree; "" where it is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := named(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def ways_to_code(text: str) -> list[str]:
    """What in a module's source could run what somebody else wrote."""
    tree = ast.parse(text)
    aliases = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = named(node.func)
            head, _, rest = name.partition(".")
            name = aliases.get(head, head) + (f".{rest}" if rest else "")
            owner, _, last = name.rpartition(".")
            if (
                name in CALLS
                or name == "importlib.import_module"
                or (owner == "builtins" and last in CALLS)
                or (owner == "os" and (last in OF_OS or last.startswith(BEGINNINGS)))
                or (owner == "subprocess" and last in OF_SUBPROCESS)
            ):
                found.append(name)
            for keyword in node.keywords:
                sure = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                if keyword.arg == "shell" and not sure:
                    found.append(f"{name}(shell=...)")
    return found


def test_the_packages_have_no_way_to_code():
    assert len(SOURCES) > 100
    found = {
        (path.relative_to(ROOT).as_posix(), way)
        for path in SOURCES
        for way in ways_to_code(path.read_text())
    }
    assert found == set(EXCUSED)


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "exec(x)",
        "import pickle",
        "from pickle import loads",
        "import os; os.system('x')",
        "from os import system as s; s('x')",
        "import os; os.execvp('a', [])",
        "import subprocess; subprocess.run('x', shell=True)",
        "from subprocess import run; run('x', shell=flag)",
        "import subprocess; subprocess.getoutput('x')",
        "import builtins; builtins.eval('1')",
        "from importlib import import_module as m; m(x)",
    ],
)
def test_a_way_to_code_is_found(text):
    assert ways_to_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "re.compile('a')",
        "import subprocess; subprocess.run(['x'])",
        "run(x, shell=False)",
        "os.open(p, 0)",
    ],
)
def test_what_is_none_is_not_found(text):
    assert ways_to_code(text) == []
