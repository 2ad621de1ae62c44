"""The runner of documented examples itself: it must be able to fail."""

from __future__ import annotations

import pytest

from tests.support.project import environment
from tests.support.readme import Command, File, examples, matches, run

DOCUMENT = """\
Only shown:

```console
$ exit 7
```

<!-- file: words.txt -->
```
one
two
```

<!-- run -->

```console
$ cat words.txt
one
…o
$ echo end; true
end
```

<!-- run: status=3 -->
```bash
test -f words.txt
exit 3
```
"""


def test_marked_blocks_are_read_in_order():
    assert examples(DOCUMENT) == [
        File(9, "words.txt", "one\ntwo\n"),
        Command(16, "cat words.txt", "one\n…o\n", 0),
        Command(19, "echo end; true", "end\n", 0),
        Command(25, "test -f words.txt\nexit 3\n", None, 3),
    ]


def test_a_true_document_has_no_problems(tmp_path):
    assert run(examples(DOCUMENT), tmp_path, environment()) == []


@pytest.mark.parametrize(
    ("true", "false", "said"),
    [
        ("…o\n", "three\n", "line 16: cat words.txt\nshown:"),
        ("end; true", "end; false", "line 19: echo end; false\nstatus 1"),
        ("status=3", "status=4", "status 3"),
        ("words.txt -->", "other.txt -->", "No such file"),
    ],
)
def test_a_false_document_is_told_by_line(tmp_path, true, false, said):
    problems = run(examples(DOCUMENT.replace(true, false)), tmp_path, environment())
    assert said in problems[0]


@pytest.mark.parametrize(
    "document",
    [
        "<!-- run -->\nno block\n",
        "<!-- run: stauts=1 -->\n```\ntrue\n```\n",
        "<!-- run -->\n```console\nno command\n```\n",
    ],
)
def test_a_marker_that_runs_nothing_is_refused(document):
    with pytest.raises(ValueError, match=r"line|marker"):
        examples(document)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a  \n", True),
        ("a\n", "a\nb\n", False),
        ("a\n", "", False),
        ("", "a\n", False),
        ("a…c\n", "abc\n", True),
        ("a…c\n", "ab\nc\n", False),
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("a\n…\n", "b\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_shown_output_is_compared_line_by_line(shown, printed, same):
    assert matches(shown, printed) is same
