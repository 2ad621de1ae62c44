"""Typed structs for just the values that a mapping looks at, so that all else of a line is skipped.

A line's values stand nested (``{"event": {"outcome": …}}``) or under keys with dots
(``{"event.outcome": …}``); each form is a shape of its own, which also sees where a line has
something of the other form.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET

from events.formats.lines.paths import lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Get = Any  # Callable[[Any], Any], but attrgetter's type says more than is needed


class Leaf(NamedTuple):
    """What is known of the value at a path.

    Attributes:
        type: What msgspec takes there; anything else makes it refuse the line.
        default: What stands for a value that is missing.
    """

    type: Any = Any
    default: Any = UNSET


class Shape(NamedTuple):
    """One form of line.

    Attributes:
        decode: Reads a line into a struct.
        getters: Gives the value at a path from it, as msgspec read it; `msgspec.UNSET` or the
            leaf's default if it is missing.
        names: The attributes of the values that are read directly, for `operator.attrgetter`.
        others: Gives what the line has of the other form; None if there can be nothing.
        nothing: What ``others`` gives if that is nothing.
    """

    decode: Callable[[bytes], Any]
    getters: dict[str, Get]
    names: dict[str, str]
    others: Get | None
    nothing: Any


def shapes_of(leaves: Mapping[str, Leaf]) -> tuple[Shape, ...]:
    """Make the forms in which lines with some paths may come; () where msgspec cannot be asked.

    Args:
        leaves: The paths, and what is known of the values there.
    """
    heads = _heads(leaves)
    typed = {
        head: leaves[head] if head in leaves and _is_alone(head, heads) else Leaf()
        for head in heads.values()
    }
    long = [path for path in leaves if "." in path]
    tops = sorted({path.split(".", 1)[0] for path in long})
    try:
        places = {head: tuple(head.split(".")) for head in typed}
        nested = _shape(places, typed, heads, long)
        if not long or any(top in leaves for top in tops):
            return (nested,)
        flat = {path: path for path in leaves}
        dotted = _shape({path: (path,) for path in leaves}, leaves, flat, tops)
    except (ValueError, TypeError, RecursionError):  # a key that msgspec does not take
        return ()
    return nested, dotted


def _heads(paths: Iterable[str]) -> dict[str, str]:
    """For each path the part of it that is read as a whole: it ends before a place in a list.

    It also ends where another path ends, so that no part lies within another.
    """
    heads = {}
    for path in paths:
        steps = path.split(".")
        places = [n for n, step in enumerate(steps) if n and step.isascii() and step.isdigit()]
        heads[path] = ".".join(steps[: min(places, default=len(steps))])
    known = set(heads.values())
    for path, head in heads.items():
        steps = head.split(".")
        starts = (".".join(steps[:n]) for n in range(1, len(steps)))
        heads[path] = next((start for start in starts if start in known), head)
    return heads


def _is_alone(head: str, heads: dict[str, str]) -> bool:
    return sum(each == head for each in heads.values()) == 1


def _shape(
    places: dict[str, tuple[str, ...]],
    leaves: Mapping[str, Leaf],
    heads: dict[str, str],
    others: list[str],
) -> Shape:
    """Make a shape.

    Args:
        places: Each value's name, and the keys under which it stands.
        leaves: What is known of each value.
        heads: For each path the value that holds it.
        others: The keys of the other form.
    """
    tree: dict[str, Any] = {}
    for name, keys in places.items():
        branch = tree
        for key in keys[:-1]:
            branch = branch.setdefault(key, {})
        branch[keys[-1]] = leaves[name]
    for key in others:
        tree[key] = Leaf()
    struct = _struct(tree)
    attributes = {name: _attribute(tree, keys) for name, keys in places.items()}
    getters = {
        path: _getter(attributes[head], path[len(head) + 1 :]) for path, head in heads.items()
    }
    foreign = [_attribute(tree, (key,)) for key in others]
    return Shape(
        msgspec.json.Decoder(struct).decode,
        getters,
        {path: attributes[head] for path, head in heads.items() if head == path},
        attrgetter(*foreign) if foreign else None,
        UNSET if len(foreign) == 1 else (UNSET,) * len(foreign),
    )


def _struct(tree: dict[str, Any]) -> Any:
    fields: list[tuple[str, Any, Any]] = []
    for number, inner in enumerate(tree.values()):
        if isinstance(inner, Leaf):
            fields.append((f"v{number}", inner.type, inner.default))
        else:
            struct = _struct(inner)
            fields.append((f"v{number}", struct, struct()))
    return msgspec.defstruct(
        "Seen",
        fields,
        rename={f"v{number}": key for number, key in enumerate(tree)},
        frozen=True,
        gc=False,
    )


def _attribute(tree: dict[str, Any], keys: tuple[str, ...]) -> str:
    names = []
    for key in keys:
        names.append(f"v{list(tree).index(key)}")
        tree = tree[key]
    return ".".join(names)


def _getter(attribute: str, rest: str) -> Get:
    """What gives a value; with a ``rest``, one that lies within a value that is read as a whole."""
    whole = attrgetter(attribute)
    if not rest:
        return whole

    def get(seen: Any) -> Any:
        value = whole(seen)
        found = None if value is UNSET else lookup(value, rest)
        return UNSET if found is None else found

    return get
