"""Replacing parts of the product from outside: functions, arguments, methods, their order."""

from __future__ import annotations

import inspect
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OURS = {"events", "sync_queue", "worker", "projections", "tests"}
_BREAKS = "tests.support.broken_"
"""How the names of modules begin that break rules: these go on calling what they replace."""


class Changed:
    """An object of which some methods are others."""

    def __init__(self, inner: Any, **methods: Callable[..., Any]) -> None:
        self._inner = inner
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._inner, name)


class Late:
    """An object of which calls of one method are kept, and made when it is flushed."""

    def __init__(self, inner: Any, method: str) -> None:
        self._inner = inner
        self._method = method
        self._kept: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            return lambda *args: self._kept.append(args)
        return getattr(self._inner, name)

    def flush(self) -> None:
        """Make the calls that were kept."""
        kept, self._kept = self._kept, []
        for args in kept:
            getattr(self._inner, self._method)(*args)


@contextmanager
def everywhere(old: object, new: object) -> Iterator[None]:
    """Put another function in place of one, under each name by which it was imported."""
    with ExitStack() as stack:
        for module in list(sys.modules.values()):
            root = (getattr(module, "__name__", None) or "").partition(".")[0]
            if root not in _OURS or module.__name__.startswith(_BREAKS):
                continue
            for name, value in list(vars(module).items()):
                if value is old:
                    stack.enter_context(patch.object(module, name, new))
        yield


@contextmanager
def made_with(cls: Any, change: Callable[..., dict[str, Any]]) -> Iterator[None]:
    """Let objects of a class be made with other arguments: ``change`` is given them by name."""
    make = cls.__init__
    signature = inspect.signature(make)

    def make_changed(self: Any, *args: Any, **options: Any) -> None:
        given = signature.bind(self, *args, **options)
        given.arguments.update(change(self, given.arguments))
        make(*given.args, **given.kwargs)

    with patch.object(cls, "__init__", make_changed):
        yield
