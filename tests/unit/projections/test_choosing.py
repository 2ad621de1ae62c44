from __future__ import annotations

import io

import pytest

from projections.choosing import known_format, read_head, whole_lines
from projections.cli.errors import CommandError
from projections.cli.formats import choice_of
from projections.intake import Format
from tests.support.outcome_lines import succeeded
from tests.support.project import ROOT
from tests.unit.projections.test_intake import in_docker

SIDEKIQ = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()
IN_DOCKER = b"".join(in_docker(line) for line in SIDEKIQ.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("format_", "wrapped", "sample", "name", "wrapping"),
    [
        (None, None, SIDEKIQ, "native", None),
        ("sidekiq", None, b"", "sidekiq", None),
        ("native", "docker", b"", "native", "docker"),
        ("auto", None, SIDEKIQ, "sidekiq", None),
        ("auto", None, IN_DOCKER, "sidekiq", "docker"),
        ("auto", "docker", IN_DOCKER, "sidekiq", "docker"),
        ("auto", "none", SIDEKIQ, "sidekiq", None),
        ("auto", None, succeeded(0), "native", None),
        ("ecs", "auto", IN_DOCKER, "ecs", "docker"),
        ("ecs", "auto", b'{"x":1}\n', "ecs", None),
        ("ecs", "auto", in_docker(b'{"x":1}\n'), "ecs", "docker"),
        ("ecs", "auto", b"2026-11-24T13:00:50.4Z stdout F {}\n", "ecs", "cri"),
    ],
)
def test_what_was_said_and_what_lines_show(format_, wrapped, sample, name, wrapping) -> None:
    found = choice_of(format_, None, wrapped).recognise(sample)

    assert found is not None
    assert (found.name, found.wrapping) == (name, wrapping)
    assert (found.mapping is None) is (name == "native")


@pytest.mark.parametrize(
    ("wrapped", "sample"), [(None, b'{"x":1}\n'), ("none", IN_DOCKER), ("cri", IN_DOCKER)]
)
def test_lines_that_show_no_format(wrapped, sample) -> None:
    assert choice_of("auto", None, wrapped).recognise(sample) is None


def test_a_mapping_and_a_format_exclude_each_other(tmp_path) -> None:
    with pytest.raises(CommandError, match="--format and --mapping"):
        choice_of("ecs", tmp_path / "m.toml", None)


def test_a_mapping_of_somebodys_own(tmp_path) -> None:
    (tmp_path / "m.toml").write_text(
        'name = "mine"\n[[outcomes]]\nis = "succeeded"\nwhen = { done = true }\n'
    )
    choice = choice_of(None, tmp_path / "m.toml", None)

    assert choice.known is not None
    assert (choice.name, choice.known.name) == ("mine", "mine")
    assert not choice.may_be_native


def test_formats_that_are_known_by_name() -> None:
    assert known_format("native", "cri") == Format(wrapping="cri")
    assert known_format("mine", None) is None
    oban = known_format("oban", None)
    assert oban is not None
    assert oban.name == "oban"


@pytest.mark.parametrize(
    ("head", "sample"),
    [(b"a\nb", b"a\n"), (b"a", b""), (b"", b""), (b"\n \t\n\r\n", b""), (b"\na\n", b"\na\n")],
)
def test_a_sample_is_whole_lines_that_say_something(head, sample) -> None:
    assert whole_lines(head) == sample


def test_no_more_than_a_mebibyte_is_looked_at() -> None:
    file = io.BytesIO(b"x" * 3_000_000)

    assert len(read_head(file).data) == 1 << 20


def test_a_hole_before_the_first_line_is_none_of_what_is_looked_at() -> None:
    text = bytes(3 << 20) + b"a\n\0b"

    assert read_head(io.BytesIO(text)) == (3 << 20, b"a\n\0b")
    assert read_head(io.BytesIO(bytes(9))) == (9, b"")
