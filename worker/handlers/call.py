"""``module:callable``: a job is a call of a Python function."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worker.errors import HandlerSpecError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from worker.handlers.base import Job

OUR_PACKAGES = ("events", "projections", "sync_queue", "worker")


class CallHandler:
    """Calls a function of one frozen job. The worker watches its time.

    Args:
        function: Returns what :func:`worker.handlers.base.as_outcome` takes, raises to fail.
    """

    enforces_timeout = False
    ending_s = None

    def __init__(self, function: Callable[[Job], object]) -> None:
        self._function = function

    def __call__(self, job: Job) -> object:
        """Run one attempt in the calling thread."""
        return self._function(job)

    def stop(self) -> None:
        """Nothing: a Python call cannot be ended from outside."""

    def close(self) -> None:
        """Nothing is held."""


def load_call(spec: str) -> CallHandler:
    """Import the function that ``module:callable`` names.

    The current folder is appended to ``sys.path``, never put first: a file there cannot take the
    place of a module that Python or syncstats needs.

    Raises:
        HandlerSpecError: It cannot be had, or is no function for a job.
    """
    module_name, _, attributes = spec.partition(":")
    if not all(part.isidentifier() for part in (module_name + "." + attributes).split(".")):
        raise HandlerSpecError(
            f"handler {spec!r}: write module:callable, both as dotted Python names, "
            "for example sync:handle for the function handle in ./sync.py"
        )
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    target: Any = _import(spec, module_name)
    module: ModuleType = target
    for name in attributes.split("."):
        try:
            target = getattr(target, name)
        except AttributeError:
            raise HandlerSpecError(
                f"handler {spec!r}: {name!r} is not in {module_name} "
                f"({getattr(module, '__file__', None) or 'a package without a file'})"
                f"{_explain_collision(module_name, module)}"
            ) from None
    _check(spec, target)
    return CallHandler(target)


def _import(spec: str, module_name: str) -> ModuleType:
    """Import a module, and say in one line why it cannot be."""
    importlib.invalidate_caches()  # the file may have been written a moment ago
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            raise HandlerSpecError(
                f"handler {spec!r}: there is no module {missing!r}, neither installed beside "
                f"syncstats nor in the current folder {Path.cwd()}"
                f"{_explain_collision(module_name, None)}"
            ) from error
        raise HandlerSpecError(
            f"handler {spec!r}: {module_name} needs the module {missing!r}: install it where "
            "syncstats is installed (pipx inject syncstats …)"
        ) from error
    except (Exception, SystemExit) as error:
        raise HandlerSpecError(
            f"handler {spec!r}: importing {module_name} failed with "
            f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
        ) from error


def _explain_collision(module_name: str, found: ModuleType | None) -> str:
    """Why another module than the user's was found, where that may be the case."""
    top = module_name.partition(".")[0]
    if top in OUR_PACKAGES:
        return (
            f"; {top!r} is a package of syncstats itself, so yours of that name cannot be "
            "imported: rename it"
        )
    if found is None:
        return ""
    here = Path.cwd().joinpath(*module_name.split("."))
    own = [path for path in (here.with_suffix(".py"), here / "__init__.py") if path.is_file()]
    if own and str(own[0].resolve()) != str(Path(found.__file__ or "").resolve()):
        return (
            f"; {own[0]} was not imported, because the current folder is searched last: rename it"
        )
    return ""


def _check(spec: str, target: object) -> None:
    """Refuse what cannot be called with a job, or would not run when called."""
    if not callable(target):
        raise HandlerSpecError(
            f"handler {spec!r}: it is a {type(target).__name__}, not a function: "
            "name a function that takes one job"
        )
    inner: object = target
    while isinstance(inner, functools.partial):
        inner = inner.func
    kinds = (inner, inspect.getattr_static(type(inner), "__call__", None))
    if any(inspect.iscoroutinefunction(kind) or inspect.isasyncgenfunction(kind) for kind in kinds):
        raise HandlerSpecError(
            f"handler {spec!r}: it is asynchronous: wrap it in a function that calls asyncio.run()"
        )
    if any(inspect.isgeneratorfunction(kind) for kind in kinds):
        raise HandlerSpecError(
            f"handler {spec!r}: it is a generator function, which does nothing when called: "
            "return instead of yield"
        )
    try:
        inspect.signature(target).bind(object())
    except TypeError as error:
        raise HandlerSpecError(
            f"handler {spec!r}: it cannot be called with one job ({error}): "
            "write it as def name(job): …"
        ) from error
    except ValueError:
        pass  # some built-in functions do not tell their arguments
