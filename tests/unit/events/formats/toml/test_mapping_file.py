"""A mapping's file is checked whole; what is wrong is told with file, line and key."""

from __future__ import annotations

import pytest

from events.formats.mapping import Condition, Same, Source
from events.formats.toml.mapping_file import MappingError, parse_mapping, read_mapping, regexes

HEAD = """name = "mine"
[[outcomes]]
is = "failed"
when = { msg = "fail" }
"""


def parse(text: str):
    return parse_mapping(text, "my.toml")


def refused(text: str) -> str:
    with pytest.raises(MappingError) as caught:
        parse(text)
    return str(caught.value)


def test_all_that_a_file_can_say(tmp_path):
    path = tmp_path / "full.toml"
    path.write_text(
        """
        name = "full"
        description = "everything"
        [detect]
        source.name = "x"
        [[outcomes]]
        is = "dead"
        when = { "a.b" = [1, "x", true], c = { exists = false }, d = { matches = "^x" } }
        [fields]
        timestamp = { field = "t", unit = "ms" }
        duration = { from = "began", to = "ended" }
        wait = [{ field = "w_ms", unit = "ms" }, { field = ["w", "v"], unit = "s", default = 0 }]
        error_type = { field = "e", regex = "^(.*):", default = "none" }
        kind = { value = "metadata" }
        [dimensions]
        queue = "q"
        [[companions]]
        position = "before"
        of = ["failed"]
        same = ["pid", { outcome = "jid", line = { field = "msg", regex = "(.*)" } }]
        when = { msg = { matches = "x" } }
        within_lines = 7
        is = "dead"
        fields = { error = "msg" }
        """
    )
    mapping = read_mapping(path)
    assert mapping.name == "full"
    assert mapping.description == "everything"
    assert mapping.detect == (Condition("source.name", values=("x",)),)
    assert mapping.outcomes[0].kind == "dead"
    assert mapping.outcomes[0].when == (
        Condition("a.b", values=(1, "x", True)),
        Condition("c", exists=False),
        Condition("d", matches="^x"),
    )
    assert dict(mapping.fields) == {
        "timestamp": (Source(("t",), unit="ms"),),
        "duration": (Source(span=("began", "ended")),),
        "wait": (Source(("w_ms",), unit="ms"), Source(("w", "v"), unit="s", default=0)),
        "error_type": (Source(("e",), regex="^(.*):", default="none"),),
        "kind": (Source(constant="metadata"),),
    }
    assert mapping.dimensions == (("queue", (Source(("q",)),)),)
    (companion,) = mapping.companions
    assert (companion.position, companion.of, companion.within_lines) == ("before", ("failed",), 7)
    assert companion.kind == "dead"
    assert companion.same == (
        Same((Source(("pid",)),), (Source(("pid",)),)),
        Same((Source(("jid",)),), (Source(("msg",), regex="(.*)"),)),
    )
    assert companion.fields == (("error", (Source(("msg",)),)),)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            '[fields]\nduration = { field = "d", unit = "minutes" }',
            "6: fields.duration.unit: 'minutes' is no unit; use ns, us, ms or s",
        ),
        ('[fields]\nduration = "d"', "6: fields.duration: say the unit: ns, us, ms or s"),
        (
            '[fields]\n\ntimestamp = { field = "t", unit = "h" }',
            "7: fields.timestamp.unit: 'h' is no unit; use rfc3339, ns, us, ms or s",
        ),
        (
            '[fields]\njob = { field = "j", unit = "s" }',
            "6: fields.job.unit: this field has no unit",
        ),
        ('[fields]\ndurration = "d"', "6: fields.durration: no such field; did you mean duration?"),
        ('[field]\njob = "d"', "5: field: no such key; did you mean fields?"),
        ("zzz = 1", "5: outcomes.zzz: no such key; there are is, when"),
        (
            '[fields]\njob = { fields = "j" }',
            "6: fields.job.fields: no such key; did you mean field?",
        ),
        ("[fields]\njob = 1", '6: fields.job: give a path in quotes, or { field = "…" }'),
        ('[fields]\njob = ""', '6: fields.job: give a path in quotes, such as "ctx.jid"'),
        ("[fields]\njob = {}", "6: fields.job: give one of: field; value; from and to"),
        (
            '[fields]\njob = { from = "a", to = "b" }',
            "6: fields.job.from: a time between two moments is no job",
        ),
        (
            '[fields]\nduration = { from = "a" }',
            "6: fields.duration: give one of: field; value; from and to",
        ),
        (
            '[fields]\nerror = { field = "e", regex = "(" }',
            (
                "6: fields.error.regex: this is no regular expression: missing ), unterminated "
                "subpattern at position 0"
            ),
        ),
        (
            '[fields]\nerror = { value = "e", regex = "x" }',
            "6: fields.error.regex: this goes with field only",
        ),
        (
            '[fields]\nduration = { field = "e", unit = "s", default = -1 }',
            "6: fields.duration.default: a time is not below 0, as -1 is",
        ),
        (
            "[fields]\nattempt = { value = 1.5 }",
            "6: fields.attempt.value: a whole number >= 0 is wanted, not 1.5",
        ),
        (
            '[fields]\njob = ["a", "b", { field = 3 }]',
            '6: fields.job.field: give a path in quotes, such as "ctx.jid"',
        ),
        (f'[fields]\njob = "{"a." * 20}b"', "6: fields.job: a path has at most 20 steps"),
        (
            '[[outcomes]]\nis = "lost"',
            "6: outcomes.is: 'lost' is none of succeeded, failed, dead, skipped",
        ),
        (
            '[[outcomes]]\nis = "dead"',
            "5: outcomes.when: this key is missing: say which lines are meant",
        ),
        (
            '[[outcomes]]\nis = "dead"\nwhen = {}',
            "7: outcomes.when: without a condition every line would fit",
        ),
        (
            '[[outcomes]]\nis = "dead"\n\nwhen = { a = "x", b = [] }',
            "8: outcomes.when.b: an empty list fits nothing",
        ),
        (
            '[[outcomes]]\nis = "dead"\nwhen = { a = nan }',
            (
                "7: outcomes.when.a: give a text, a number, true or false, a list of them, "
                '{ matches = "regex" } or { exists = true }'
            ),
        ),
        (
            '[[outcomes]]\nis = "dead"\nwhen.a.exists = 1',
            "7: outcomes.when.a: exists is true or false",
        ),
        (
            '[[companions]]\nposition = "near"',
            "5: companions.of: give a list of one or more",
        ),
        (
            '[[companions]]\nof = ["dead", "gone"]',
            "6: companions.of: 'gone' is no outcome; use succeeded, failed, dead, skipped",
        ),
        (
            '[[companions]]\nof = ["dead"]\nwithin_lines = 0',
            "7: companions.within_lines: give a whole number from 1 to 100,000",
        ),
        (
            '[[companions]]\nof = ["dead"]\nposition = "after"\nsame = [{ outcome = "a" }]',
            "8: companions.same.outcome: give both, outcome and line",
        ),
        ("[outcomes2]", "5: outcomes2: no such key; did you mean outcomes?"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_key(more, message):
    assert refused(HEAD + more) == f"my.toml:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "my.toml:1: name: this key is missing"),
        ("name = 1", "my.toml:1: name: give a text in quotes"),
        ('\nname = "a b"', "my.toml:2: name: a name has letters, digits, - and _, at most 64"),
        (
            'name = "x"',
            "my.toml:1: outcomes: say in [[outcomes]] which lines tell how an attempt ended",
        ),
        (
            'name = "x"\noutcomes = 1',
            "my.toml:2: outcomes: tables belong here, each begun by [[outcomes]]",
        ),
        (
            'name = "x"\nfields = 1\n[[outcomes]]\nis = "dead"\nwhen.a = 1',
            "my.toml:2: fields: a table belongs here",
        ),
    ],
)
def test_what_every_file_says(text, message):
    assert refused(text) == message


def test_what_is_no_toml_says_where():
    assert refused('name = "x"\nfoo bar\n') == (
        "my.toml:2: this is no TOML: Expected '=' after a key in a key/value pair"
    )
    assert refused("\na = [\n\n").startswith("my.toml:2: this is no TOML: Invalid value (at end of")
    assert refused("\n\na = " + "[" * 5000) == "my.toml:3: this is no mapping: nested too deep"
    assert refused("\na = " + "9" * 5000 + "\nb = 1\n") == (
        "my.toml:2: this is no mapping: a number of too many digits"
    )


def test_a_mark_at_the_files_beginning_is_passed_over(tmp_path):
    path = tmp_path / "m.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert read_mapping(path).name == parse_mapping(HEAD, "m.toml").name


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(MappingError, match="the mapping cannot be read: No such file"):
        read_mapping(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(MappingError, match="larger than 1 MiB"):
        read_mapping(tmp_path / "large.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xff\n")
    with pytest.raises(MappingError, match="no TOML"):
        read_mapping(tmp_path / "latin.toml")


def test_regexes_are_listed_with_their_places():
    text = (
        HEAD
        + 'more = 1\n[fields]\nerror = [{ field = "a", regex = "x" }]\n[detect]\na.matches = "y"'
    )
    assert regexes(text) == [
        (("fields", "error", 0, "regex"), "x"),
        (("detect", "a", "matches"), "y"),
    ]


def test_a_path_of_many_steps_is_refused_however_it_is_written():
    for keys in ("a." * 20_000 + "a", '"' + "a." * 20_000 + 'a"'):
        told = refused(f'name = "x"\n[[outcomes]]\nis = "dead"\nwhen = {{ {keys} = 1 }}')
        assert told.endswith("a path has at most 20 steps")


def test_more_regular_expressions_than_are_taken():
    rules = "".join(
        f"\n[[outcomes]]\nis = 'failed'\nwhen = {{ a = {{ matches = 'x{number}' }} }}"
        for number in range(1001)
    )
    with pytest.raises(MappingError) as caught:
        parse_mapping(f"name = 'many'{rules}", "m.toml")
    assert str(caught.value) == (
        "m.toml:3004: outcomes.when.a.matches: a mapping has at most 1,000 regular expressions, "
        "and this is one more"
    )
