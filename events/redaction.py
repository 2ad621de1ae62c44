"""Secrets taken out of what is logged, stored and shown.

Redaction is a net, not a proof: it knows the usual ways in which a secret gets into a message (a
token in a URL, a header, an assignment, a connection string). It rather masks too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from events.errors import EventsError
from events.limits import MAX_DEPTH

MASK = "[redacted]"

MAX_PASSES = 10
"""How often a text is looked at, until nothing more is found; then it is masked as a whole."""

_MASKS = re.compile(re.escape(MASK))
_SHORT = 200
"""Texts of so many characters are remembered: names of errors, files and functions come again."""

_FLAGS = re.IGNORECASE | re.ASCII | re.DOTALL
_SECRET_PARTS = (
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "credential",
    "signature",
    "authorization",
    "cookie",
    "sessionid",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
)
_SECRET_NAMES = frozenset({"auth", "pass", "pwd", "pw", "sig"})
_NAME = (
    r"(?:token|passw(?:or)?d|passphrase|secret|credential|signature|session[_-]?id"
    r"|(?:api|access|private|secret|signing|encryption)[_-]?key)s?(?:[_-]\w{1,32})?"
    r"|(?<![a-z0-9])(?:auth|pass|pwd|pw|sig)|(?<=[?&])key"
)
_NAME_HINTS = ("token", "pass", "secret", "credential", "sig", "session", "key", "auth", "pw")
_IS = r"""(?:\\{0,4}["'])?\s{0,8}(?:=|:|%3d)\s{0,8}(?:(?!\[redacted\])[\[(]\s{0,8}){0,2}"""
# An opening quote and what follows it, up to the closing one; also where both are escaped.
_QUOTED = r"""(")(?:[^"\\]++|\\.)*+|(')(?:[^'\\]++|\\.)*+|(\\{1,4}["'])[^"'\\]*+"""

_Rule = tuple[tuple[str, ...], re.Pattern[str], str]


def _rules(extra_keys: Sequence[str]) -> list[_Rule]:
    """What to look for: lower-case hints that one can look for fast, pattern, replacement.

    Each pattern takes time linear in the text (its repeats are possessive or bounded), and finds
    nothing new in its own result; but another one may.
    """
    names = "|".join([_NAME, *map(re.escape, extra_keys)])
    hints = (*_NAME_HINTS, *(key.lower() for key in extra_keys))
    rest = rf"\g<1>{MASK}"
    quoted = rf"\g<1>\g<2>\g<3>\g<4>{MASK}"
    rules = (
        # Authorization: Bearer …, Cookie: a=b; c=d: to the end of the quotes or of the line.
        (
            ("authorization", "cookie"),
            rf"((?:authorization|cookie){_IS})(?:{_QUOTED}|digest[^\r\n]*|[^\r\n\"']+)",
            quoted,
        ),
        # Bearer …, Basic … (with a digit or padding, so as to leave words alone)
        (
            ("bearer", "basic"),
            r"(\bbearer\s{1,8}|\bbasic\s{1,8}(?=[a-z+/]{0,512}[0-9=]))[\w.~+/=-]{6,}",
            rest,
        ),
        # X-Plex-Token=…, "api_key": "…", password: …
        (hints, rf"((?:{names}){_IS})(?:{_QUOTED}|[^\s&\"'<>]+)", quoted),
        # ("X-Plex-Token", "…"), as headers are kept in lists of pairs
        (hints, rf"""((?:{names})\\{{0,4}}["']\s{{0,8}},\s{{0,8}})(?:{_QUOTED})""", quoted),
        # --password …
        (
            ("--",),
            rf"((?<![\w-])--[\w-]{{0,32}}?(?:{names})\s{{1,8}})(?:{_QUOTED}|[^\s\"'-][^\s\"']*)",
            quoted,
        ),
        # https://user:password@host, https://token@host
        (
            ("://",),
            r"(://)[^\s/?#\"'<>@]*+(?:@[^\s/?#\"'<>@]*+)*@",
            rf"{rest}@",
        ),
        # The same without a scheme, as in bob:password@host
        (
            ("@",),
            r"((?<![\w.+%-])[\w.+%-]{1,64}+:)[^\s:/@\"'<>]{1,256}+@(?=[\w\[(])",
            rf"{rest}@",
        ),
        # A JSON Web Token
        (("eyj",), r"\beyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+)?", MASK),
        # A private key in PEM
        (
            ("private key",),
            (
                r"-----BEGIN [A-Z ]{0,32}?PRIVATE KEY-----.*?"
                r"(?:-----END [A-Z ]{0,32}?PRIVATE KEY-----|\Z)"
            ),
            MASK,
        ),
    )
    return [
        (hints, re.compile(pattern, _FLAGS), replacement) for hints, pattern, replacement in rules
    ]


class Redactor:
    """Masks secrets in text and in JSON values.

    Masking what is masked changes nothing, whatever the patterns: a text may be masked where it
    is made, and where it is stored.

    Args:
        extra_patterns: Regular expressions whose matches are masked too, as a whole.
        extra_keys: Names whose values are masked too, case-insensitively: keys of objects that
            contain one (``-``, ``_`` and blanks aside), and ``name=value`` in text.

    Raises:
        EventsError: A pattern is no regular expression, or matches the empty text.
    """

    def __init__(self, extra_patterns: Sequence[str] = (), extra_keys: Sequence[str] = ()) -> None:
        self._rules = _rules(extra_keys)
        self._parts = (*_SECRET_PARTS, *(_plain(key) for key in extra_keys if _plain(key)))
        self._patterns = [_compile(n, pattern) for n, pattern in enumerate(extra_patterns, 1)]
        self._is_secret = lru_cache(maxsize=1024)(self._names_a_secret)
        self._short_text = lru_cache(maxsize=1024)(self._text)

    def text(self, text: str) -> str:
        """Mask the secrets in ``text``."""
        return self._short_text(text) if len(text) <= _SHORT else self._text(text)

    def _text(self, text: str) -> str:
        for _ in range(MAX_PASSES):
            masked = self._pass(text)
            if masked == text:
                return masked
            text = masked
        return MASK

    def _pass(self, text: str) -> str:
        r"""Mask what is found now. That may bring forth more, so a text is masked until it stays.

        ``\bfoo\b`` of a user matches in ``foo1`` only after ``1`` was masked; and of
        ``://bob:?x@y@nas`` one rule of ours sees only the password, another then the rest.
        """
        lowered = text.lower()
        for hints, rule, replacement in self._rules:
            for hint in hints:
                if hint in lowered:
                    text = rule.sub(replacement, text)
                    break
        for pattern in self._patterns:
            text = _mask_matches(pattern, text)
        return text

    def value(self, value: Any) -> Any:
        """Copy a JSON value with its secrets masked: by what its keys say, and in its texts.

        ``None`` and booleans stay, whatever their key; numbers do not: a PIN is one.
        Objects that are no JSON values are returned as they are; what is nested deeper than
        `MAX_DEPTH` is masked as a whole.
        """
        return self._value(value, MAX_DEPTH)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode(errors="backslashreplace"))
        if not isinstance(value, Mapping | list | tuple):
            return value
        if depth == 0:
            return MASK
        if not isinstance(value, Mapping):
            return [self._value(item, depth - 1) for item in value]
        return {
            self.text(key) if isinstance(key, str) else key: (
                MASK
                if item is not None
                and not isinstance(item, bool)
                and isinstance(key, str)
                and self._is_secret(key)
                else self._value(item, depth - 1)
            )
            for key, item in value.items()
        }

    def _names_a_secret(self, key: str) -> bool:
        plain = _plain(key)
        return plain in _SECRET_NAMES or any(part in plain for part in self._parts)


def _mask_matches(pattern: re.Pattern[str], text: str) -> str:
    """Mask the matches of a user's pattern; masks that are there stay whole.

    A match inside a mask is none, and one that begins or ends in a mask goes to its other end.
    """
    matches = [match.span() for match in pattern.finditer(text)]
    if not matches:
        return text
    masks = [match.span() for match in _MASKS.finditer(text)]
    kept: list[str] = []
    done = 0  # the end of what is kept
    start = end = -1  # what is to become one mask
    for first, last in sorted(masks + [span for span in matches if span[0] < span[1]]):
        if first < end:
            end = max(end, last)
            continue
        if end >= 0:
            kept += (text[done:start], MASK)
            done = end
        start, end = first, last
    if end >= 0:
        kept += (text[done:start], MASK)
        done = end
    return "".join((*kept, text[done:]))


def _plain(key: str) -> str:
    return re.sub(r"[\s_.-]", "", key).lower()


def _compile(number: int, pattern: str) -> re.Pattern[str]:
    """Compile a user's pattern, which errors tell by its place: it may be the secret itself."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise EventsError(
            f"redaction pattern {number} is no regular expression{where}; correct or drop it"
        ) from None
    if compiled.search(""):
        raise EventsError(
            f"redaction pattern {number} matches the empty text, so it would be found between "
            "any two characters; correct it (with + for *), or drop it"
        )
    return compiled


def guarded(redact: Callable[[Any], Any], value: Any) -> Any:
    """Redact a value; if that fails, mask it as a whole: neither a secret nor an event is lost."""
    try:
        return redact(value)
    except Exception:  # noqa: BLE001 -- a pattern of the user's must not cost an outcome
        return MASK
