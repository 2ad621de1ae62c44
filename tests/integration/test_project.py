"""What must stay true of the project as it is handed out: wheel, locks, versions."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from events.kernel.tallies import kernel
from tests.support.project import (
    PACKAGES,
    ROOT,
    command_path,
    environment,
    pyproject,
    tracked_files,
)

LOCKS = ("bench.lock", "build.lock", "dev.lock", "fuzz.lock", "runtime.lock")
VERSION = pyproject()["project"]["version"]


def call(*command: str | Path, cwd: Path, **more: str) -> str:
    ended = subprocess.run(
        command, cwd=cwd, env=environment(**more), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


# The wheel ----------------------------------------------------------------------------------------


def build_wheel(folder: Path, **env: str) -> Path:
    """Build from a copy that holds only what is committed, so that no leftover gets in."""
    tree, out = folder / "tree", folder / "dist"
    for path in tracked_files():
        copy = tree / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out)
    call(*build, cwd=tree, **env)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_wheel_holds_the_four_packages_whole_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        built = {name for name in archive.namelist() if ".dist-info/" not in name}
        licence = archive.read(f"syncstats-{VERSION}.dist-info/licenses/LICENSE")
    ours = {path.relative_to(ROOT) for path in tracked_files()}
    compiled = {name for name in built if name.endswith(".so")}
    assert compiled <= {"events/kernel/_scan.abi3.so"}
    assert kernel() is None or compiled, "it was compiled for the tests, but not for users"
    assert built - compiled == {
        path.as_posix()
        for path in ours
        if path.parts[0] in PACKAGES
        and (path.suffix in {".py", ".pyi", ".sql", ".toml"} or path.name == "py.typed")
    }
    assert {f"{package}/py.typed" for package in PACKAGES} <= built
    assert any(name.endswith(".sql") for name in built)
    assert licence == (ROOT / "LICENSE").read_bytes()


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_without_a_compiler_there_is_all_but_the_kernel(wheel, tmp_path):
    plain = build_wheel(tmp_path, CC="/bin/false")
    with zipfile.ZipFile(wheel) as archive, zipfile.ZipFile(plain) as other:
        names = {name for name in archive.namelist() if not name.endswith(".so")}
        assert set(other.namelist()) == names


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_installed_wheel_works_in_an_environment_of_its_own(wheel, tmp_path):
    fresh = tmp_path / "venv"
    call(sys.executable, "-m", "venv", "--without-pip", fresh, cwd=tmp_path)
    python = fresh / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--quiet", "--quiet")
    call(*pip, "install", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    # The dependencies are those of the environment in which the tests run, so that no network is
    # needed. A .pth line comes after the wheel, and .pth files that lie there are not obeyed.
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(call(python, "-c", where, cwd=tmp_path).strip())
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")

    for name in PACKAGES:
        show = f"import {name}; print({name}.__file__)"
        place = call(python, "-c", show, cwd=tmp_path, PYTHONPATH="")
        assert Path(place).parent == packages / name
    assert VERSION in call(fresh / "bin" / "syncstats", "--version", cwd=tmp_path, PYTHONPATH="")
    assert "Usage: syncstats" in call(
        fresh / "bin" / "syncstats", "--help", cwd=tmp_path, PYTHONPATH=""
    )


def test_the_three_places_of_the_version_agree(tmp_path):
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {"Unreleased", VERSION}
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released[:1] in ([], [VERSION])
    assert VERSION in call(command_path(), "--version", cwd=tmp_path)


# The calls ----------------------------------------------------------------------------------------


def dry_run(*calls: str) -> str:
    """What make would do, as from a shell of its own."""
    outer = {"MAKEFLAGS": "", "MFLAGS": "", "MAKELEVEL": ""}
    return call("make", "--dry-run", *calls, cwd=ROOT, **outer)


def test_make_test_checks_cheap_things_first_and_leaves_nothing_out():
    steps = re.findall(
        r"\.venv/bin/(ruff check|ruff format --check|mypy|lint-imports|python -m pytest).*",
        dry_run("test"),
    )
    assert steps == [
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        "python -m pytest",
    ]
    assert " --cov " in dry_run("unit")
    assert pyproject()["tool"]["coverage"]["report"]["fail_under"] >= 95


def test_make_demo_runs_the_demo():
    assert ".venv/bin/syncstats demo" in dry_run("demo")


def test_make_fuzz_installs_the_fuzzer_from_its_lock_only_where_it_is_missing():
    steps = dry_run("fuzz", "SECONDS=7")
    assert "import atheris" in steps
    assert "--require-hashes --no-deps --only-binary :all: -r requirements/fuzz.lock" in steps
    assert steps.rstrip().endswith("-m tests.fuzz.run --seconds 7")
    assert "atheris" not in locked("dev.lock")


def test_make_alone_lists_every_call():
    makefile = (ROOT / "Makefile").read_text()
    listed = re.findall(r"^make (\w+)", call("make", cwd=ROOT, MAKEFLAGS=""), re.MULTILINE)
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert sorted(listed) == sorted(phony.split())


def test_ci_calls_make_test_last():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == "make test"
    assert "export CI=true" in lines


# The locks ----------------------------------------------------------------------------------------


def locked(name: str) -> dict[str, tuple[Requirement, int]]:
    """Read a lock: each package's requirement and how many hashes it has."""
    found = {}
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", line)
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()) for digest in hashes), line
        parsed = Requirement(requirement)
        found[canonicalize_name(parsed.name)] = (parsed, len(hashes))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_is_exact_has_hashes_and_no_place(name):
    packages = locked(name)
    assert packages
    for requirement, hashes in packages.values():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes > 0, requirement
    assert "://" not in (ROOT / "requirements" / name).read_text()


def test_locks_answer_to_pyproject():
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {"bench", "dask", "dev", "fuzz"}
    assert set(extras["dask"]) < set(extras["dev"])  # so its tests run on what is locked
    wanted = {
        "runtime.lock": project["dependencies"],
        "dev.lock": [*project["dependencies"], *extras["dev"]],
        "bench.lock": [*project["dependencies"], *extras["bench"]],
        "fuzz.lock": extras["fuzz"],
        "build.lock": pyproject()["build-system"]["requires"],
    }
    assert set(wanted) == set(LOCKS) == {path.name for path in (ROOT / "requirements").iterdir()}
    for name, lines in wanted.items():
        packages = locked(name)
        for requirement in map(Requirement, lines):
            assert canonicalize_name(requirement.name) in packages, f"{name}: make lock"
            (version,) = packages[canonicalize_name(requirement.name)][0].specifier
            assert version.version in requirement.specifier, f"{name}: {requirement}: make lock"


@pytest.mark.parametrize("name", ["build.lock", "runtime.lock"])
def test_what_is_handed_out_is_what_is_tested(name):
    tested = locked("dev.lock")
    for package, entry in locked(name).items():
        assert tested[package] == entry


# Imports ------------------------------------------------------------------------------------------


def test_of_events_all_but_the_ground_is_forbidden_to_the_queue():
    # calls: words for messages; limits: numbers; no more
    ground = {"calls", "clock", "errors", "filesystem", "limits", "redaction"}
    modules = {path.stem for path in (ROOT / "events").iterdir() if not path.stem.startswith("_")}
    (contract,) = (
        contract
        for contract in pyproject()["tool"]["importlinter"]["contracts"]
        if contract.get("source_modules") == ["sync_queue"]
    )
    forbidden = {name.removeprefix("events.") for name in contract["forbidden_modules"]}
    assert forbidden == modules - ground - {"py"}, "name it in pyproject.toml"


# Names of places ----------------------------------------------------------------------------------


def joined(*parts: str) -> str:
    """Put a name together that must not stand in the tree, not even here."""
    return "".join(parts)


def test_no_file_names_a_package_registry_or_one_machine():
    registries = (
        joined("pypi", ".org"),
        joined("python", "hosted.org"),
        joined("registry.", "npmjs"),
        joined("deb.", "debian.org"),
        joined("index", "-url"),
        joined("find", "-links"),
    )
    machine = {joined("/wo", "rk/"), str(ROOT), str(Path.home())}
    places = tuple(place for place in machine if place.count("/") > 1)
    # Telling the resolver to leave places out takes their names.
    excused = {ROOT / "Makefile": {joined("index", "-url"), joined("find", "-links")}}
    for path in tracked_files():
        content = path.read_bytes().decode("utf-8", "replace")
        named = {name for name in (*registries, *places) if name in content}
        assert named <= excused.get(path, set()), path


def test_every_text_file_ends_with_a_line_and_has_unix_line_ends():
    for path in tracked_files():
        content = path.read_bytes()
        if path.suffix in {".py", ".md", ".toml", ".sql", ".sh", ".yaml", ".lock"} and content:
            assert content.endswith(b"\n"), path
            assert b"\r" not in content, path
