"""The laws of the two algebras, as checks that any type can be put to."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar

from hypothesis import given, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")


def assert_commutative_monoid(
    strategy: SearchStrategy[T],
    merge: Callable[[T, T], T],
    identity: T,
    view: Callable[[T], object] = lambda value: value,
) -> None:
    """Show that ``merge`` is associative and commutative with ``identity``, and changes nothing.

    Args:
        strategy: Makes values.
        merge: The operation.
        identity: Its neutral element.
        view: What has to be equal, for example the bytes that are written; the value by default.
    """

    @settings(deadline=None)  # a busy machine is no broken law
    @given(strategy, strategy, strategy)
    def laws(a: T, b: T, c: T) -> None:
        before = deepcopy((a, b, c, identity))
        assert view(merge(merge(a, b), c)) == view(merge(a, merge(b, c))), "associative"
        assert view(merge(a, b)) == view(merge(b, a)), "commutative"
        assert view(merge(a, identity)) == view(merge(identity, a)) == view(a), "identity"
        assert (a, b, c, identity) == before, "merging leaves its arguments alone"

    laws()


def assert_join_semilattice(
    strategy: SearchStrategy[T],
    join: Callable[[T, T], T],
    view: Callable[[T], object] = lambda value: value,
    refusal: type[Exception] | None = None,
) -> None:
    """Show that ``join`` is associative, commutative and idempotent, and changes nothing.

    Args:
        strategy: Makes values.
        join: The operation.
        view: What has to be equal; the value by default.
        refusal: What ``join`` raises for two values that do not belong together. It then has to
            raise it either way round; three values of which two are refused show no more.
    """
    refused = object()

    def tried(a: T, b: T) -> T | object:
        try:
            return join(a, b)
        except Exception as error:
            if refusal is None or not isinstance(error, refusal):
                raise
            return refused

    def seen(value: T | object) -> object:
        return refused if value is refused else view(value)  # type: ignore[arg-type]  # a T then

    @settings(deadline=None)  # a busy machine is no broken law
    @given(strategy, strategy, strategy)
    def laws(a: T, b: T, c: T) -> None:
        before = deepcopy((a, b, c))
        pairs = [tried(a, b), tried(b, c), tried(a, c)]
        assert seen(pairs[0]) == seen(tried(b, a)), "commutative"
        assert seen(tried(a, a)) == view(a), "idempotent"
        if refused not in pairs:
            assert view(join(join(a, b), c)) == view(join(a, join(b, c))), "associative"
        assert (a, b, c) == before, "joining leaves its arguments alone"

    laws()
