from __future__ import annotations

import pytest

from projections.cli.formats import choice_of
from projections.ingest.enough import is_enough
from tests.support.ingesting import AUTO
from tests.unit.projections.test_intake import in_docker

UNKNOWN = b'{"x":1}\n'
SYSLOG = b"Nov 24 12:00:00 host cron[1]: words\n"
JOURNAL = b'{"MESSAGE":"words"}\n'


@pytest.mark.parametrize(
    ("wrapped", "sample", "enough"),
    [
        (None, UNKNOWN * 199 + b"\n \n", False),
        (None, UNKNOWN * 200, True),
        (None, b"words\n" * 200, True),
        (None, in_docker(UNKNOWN) * 200, True),
        (None, SYSLOG * 200, False),
        (None, JOURNAL * 200, False),
        ("none", SYSLOG * 200, True),
        ("docker", SYSLOG * 200, True),
        ("syslog", SYSLOG * 200, False),
    ],
)
def test_so_many_lines_are_looked_at_inside_of_each_wrapping(wrapped, sample, enough):
    assert is_enough(choice_of("auto", None, wrapped), sample) is enough


def test_no_more_lines_would_have_shown_a_format():
    assert AUTO.recognise(UNKNOWN * 200 + b'{"msg":"done"}\n') is None
