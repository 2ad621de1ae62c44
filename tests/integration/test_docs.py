"""The documentation says what is: its commands, options, examples, links and words."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import click
import pytest

from tests.support.caught_by import CAUGHT_BY
from tests.support.mutations import MUTATIONS
from tests.support.project import (
    ROOT,
    command_path,
    environment,
    heading_anchor,
    tracked_files,
)
from tests.support.readme import File, examples, run
from tests.support.reference import REFERENCE, page, walk

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]
WITH_EXAMPLES = [path for path in DOCUMENTS if examples(path.read_text(encoding="utf-8"))]
# The design's commands and words, in its order.
COMMANDS = (
    "run",
    "enqueue",
    "pause",
    "resume",
    "tail",
    "replay",
    "rebuild",
    "verify",
    "show",
    "merge",
    "dlq list",
    "dlq summary",
    "dlq show",
    "dlq retry",
    "dlq purge",
    "dlq restore",
    "demo",
)
WORDS = (
    "event",
    "stream",
    "epoch",
    "event log",
    "segment",
    "position",
    "projection",
    "snapshot",
    "attempt",
    "outcome",
    "dead letter",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# The command's reference --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    from projections.cli.main import cli

    return {context.command_path: command for context, command in walk(cli, "syncstats")}


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The reference's sections, by the command that the heading names in code font."""
    parts = re.split(r"^#+ .*`(syncstats[^`]*)`.*$", REFERENCE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_of_the_design_is_there(commands):
    assert {f"syncstats {name}" for name in COMMANDS} <= set(commands)


def test_reference_is_what_the_command_says(commands):
    assert REFERENCE.read_text(encoding="utf-8") == page(commands["syncstats"], "syncstats"), (
        "make reference"
    )


def test_reference_has_a_section_for_every_command_and_no_other(commands, sections):
    assert set(sections) == set(commands)


def test_reference_names_every_option_of_each_command_and_no_other(commands, sections):
    for name, command in commands.items():
        said = set(re.findall(r"`(--[a-z][a-z-]*)", sections[name]))
        assert options(command) - said == set(), f"{name}: not in {name_of(REFERENCE)}"
        known = {option for each in commands.values() for option in options(each)}
        assert said - known - {"--help", "--version"} == set(), f"{name}: no such option"


def test_every_command_and_argument_explains_itself(commands):
    for name, command in commands.items():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{name} {parameter.opts}"


@pytest.mark.slow
def test_help_of_every_command_runs(commands, tmp_path):
    def help_of(name: str) -> tuple[str, subprocess.CompletedProcess[str]]:
        command = [str(command_path()), *name.split()[1:], "--help"]
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )
        return name, ended

    with ThreadPoolExecutor(2) as pool:
        for name, ended in pool.map(help_of, commands):
            assert ended.returncode == 0, f"{name}: {ended.stderr}"
            assert ended.stderr == ""
            assert ended.stdout.startswith(f"Usage: {name} ")
            for option in options(commands[name]):
                assert option in ended.stdout


# Examples -----------------------------------------------------------------------------------------


def test_the_readme_has_examples_that_run():
    assert ROOT / "README.md" in WITH_EXAMPLES


@pytest.mark.slow
@pytest.mark.parametrize("document", WITH_EXAMPLES, ids=name_of)
def test_examples_do_what_the_document_shows(document, tmp_path):
    steps = examples(document.read_text(encoding="utf-8"))
    assert run(steps, tmp_path, environment(HOME=str(tmp_path))) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_it_is_installed_from_a_checkout_as_it_is_in_no_registry(document):
    text = document.read_text(encoding="utf-8")
    assert re.findall(r"(?:pip|pipx|uv tool) install [^`]*\bsyncstats\b", text) == []


def test_the_readme_s_foreign_application_imports_nothing_of_ours(tmp_path):
    steps = examples((ROOT / "README.md").read_text(encoding="utf-8"))
    (application,) = [step for step in steps if isinstance(step, File) and step.name == "app.py"]
    (tmp_path / "app.py").write_text(application.text)
    script = (
        "import runpy, sys\n"
        "runpy.run_path('app.py')\n"
        "print({'events', 'projections', 'sync_queue', 'worker'} & set(sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "set()\n"


def test_the_readme_s_foreign_application_writes_lines_that_we_read(tmp_path):
    from events.codec import decode

    steps = examples((ROOT / "README.md").read_text(encoding="utf-8"))
    (application,) = [step for step in steps if isinstance(step, File) and step.name == "app.py"]
    (tmp_path / "app.py").write_text(application.text)
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, check=True)
    lines = [decode(line) for line in (tmp_path / "app.jsonl").read_bytes().splitlines()]
    assert [line.event for line in lines] == ["job.succeeded", "job.failed", "job.succeeded"]
    assert [line.seq for line in lines] == [0, 1, 2]
    assert {line.stream for line in lines} == {lines[0].stream}
    assert (lines[1].error_type, lines[1].to_dlq) == ("LookupError", True)


# Links and words ----------------------------------------------------------------------------------


def without_code(markdown: str) -> str:
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", markdown, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_relative_links_lead_somewhere(document):
    text = without_code(document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        assert place.exists(), f"{target} leads nowhere"
        assert place.is_relative_to(ROOT), f"{target} leads out of the project"
        if anchor:
            headings = re.findall(r"^#+ +(.*)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(heading_anchor, headings), f"{target}: no such heading"


def test_every_page_is_reached_from_the_index_or_the_readme():
    linked = set()
    for start in (ROOT / "README.md", ROOT / "docs" / "index.md"):
        for target in re.findall(r"\]\(([^()\s#]+)", start.read_text(encoding="utf-8")):
            linked.add((start.parent / target).resolve())
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")}
    assert {name_of(page) for page in pages - linked} == set()


def test_glossary_has_each_word_of_the_design():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", text, re.MULTILINE)
    meanings = {word: meaning for word, meaning in rows if meaning.strip("- ")}
    assert set(WORDS) <= set(meanings)


@pytest.mark.parametrize("page", ["docs/reliability.md", "SECURITY.md"])
def test_promises_name_tests_that_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+)(?:\[[^`]+\])?)?`", text)
    assert named
    for path, test in named:
        assert (ROOT / path).is_file(), f"{path} is not there"
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"


def test_the_page_of_reliability_tells_which_test_catches_which_mistake():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| `([^`]+)` \|$", text, re.MULTILINE)
    assert rows == [
        (name, mutation.breaks, CAUGHT_BY[name]) for name, mutation in MUTATIONS.items()
    ]
