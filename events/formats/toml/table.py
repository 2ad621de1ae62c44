"""Tables of a TOML file that know where they stand, for messages."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from events.formats.toml.lines import KeyPath

T = TypeVar("T", bound=str)
_MISSING = object()


class WrongKeyError(ValueError):
    """Something in the file cannot be; ``path`` says where, the message what."""

    def __init__(self, path: KeyPath, what: str) -> None:
        super().__init__(what)
        self.path = path


class Table:
    """A table, or a list whose places are its keys, at its place in the file."""

    def __init__(self, content: Any, path: KeyPath = ()) -> None:
        self._content = content
        self._path = path

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __contains__(self, key: object) -> bool:
        return key in self._content

    def get(self, key: str | int, default: Any = None) -> Any:
        """The value under a key, or of a list at a place."""
        if isinstance(self._content, list):
            return self._content[cast("int", key)]
        return self._content.get(key, default)

    def wrong(self, key: str | int, what: str) -> WrongKeyError:
        """Make the error that says what is wrong with a key's value."""
        return WrongKeyError((*self._path, key), what)

    def only(self, *known: str, what: str = "key") -> None:
        """Refuse other keys.

        Raises:
            WrongKeyError: There is one; the message names the nearest that is known.
        """
        for key in self._content:
            if key not in known:
                near = get_close_matches(key, known, 1)
                advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                raise self.wrong(key, f"no such {what}; {advice}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there.

        Raises:
            WrongKeyError: It is missing, or no text.
        """
        value = self.get(key, default)
        if value is None:
            raise self.wrong(key, "this key is missing")
        if not isinstance(value, str):
            raise self.wrong(key, "give a text in quotes")
        return value

    def one_of(self, key: str, known: Sequence[T]) -> T:
        """One of some words.

        Raises:
            WrongKeyError: It is missing, or another word.
        """
        value = self.text(key)
        for each in known:
            if each == value:
                return each
        raise self.wrong(key, f"{value!r} is none of {', '.join(known)}")

    def table(self, key: str | int) -> Table:
        """A table; an empty one if it is missing.

        Raises:
            WrongKeyError: It is something else.
        """
        value = self.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table belongs here")
        return Table(value, (*self._path, key))

    def tables(self, key: str) -> list[Table]:
        """An array of tables; an empty one if it is missing.

        Raises:
            WrongKeyError: It is something else.
        """
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(key, f"tables belong here, each begun by [[{key}]]")
        return [Table(each, (*self._path, key, place)) for place, each in enumerate(value)]

    def list(self, key: str | int) -> list[Any]:
        """A list that is not empty.

        Raises:
            WrongKeyError: It is missing, empty, or something else.
        """
        value = self.get(key, _MISSING)
        if not isinstance(value, list) or not value:
            raise self.wrong(key, "give a list of one or more")
        return value

    def inside(self, key: str | int) -> Table:
        """A list as a table whose keys are its places."""
        return Table(self.list(key), (*self._path, key))
