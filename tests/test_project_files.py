"""The files around the code agree with each other: pins, environments, targets, README, CI."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, PYTEST = CONFIGURATION["project"], CONFIGURATION["tool"]["pytest"]["ini_options"]
EXTRAS = PROJECT["optional-dependencies"]
LINES = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
PINS = {
    canonicalize_name(name): Version(version)
    for name, version in (line.partition(" ; ")[0].split("==") for line in LINES)
}
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
ALL = [requirement for own in (PROJECT["dependencies"], *EXTRAS.values()) for requirement in own]
TARGETS = {
    "reproduce",
    "bench",
    "bench-check",
    "faults",
    "test",
    "test-all",
    "test-book",
    "book",
    "serve",
    "lint",
    "clean",
    "results",
    "gpu",
}


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    # without what an outer make, as in `make test`, tells an inner one
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_pins_are_plain_versions_each_package_once() -> None:
    assert len(PINS) == len(LINES)
    assert sorted(LINES, key=str.lower) == LINES
    assert not [name for name, version in PINS.items() if version.local]


@pytest.mark.parametrize("requirement", ALL)
def test_direct_dependencies_are_pinned_within_their_range(requirement: str) -> None:
    wanted = Requirement(requirement)
    assert PINS[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("name", PINS)
def test_dependencies_of_pinned_packages_are_pinned(name: str) -> None:
    requirements = [Requirement(text) for text in importlib.metadata.requires(name) or []]
    here = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    # which libraries for GPUs come with torch is the matter of its build, and so of the machine
    missing = [r.name for r in here if canonicalize_name(r.name) not in PINS and name != "torch"]
    assert missing == []


def test_the_layers_need_torch_alone() -> None:
    assert [Requirement(text).name for text in PROJECT["dependencies"]] == ["torch"]


def test_every_imported_package_is_declared() -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in ALL}
    distributions = importlib.metadata.packages_distributions()
    sources = [path for folder in ("fourierconv", "tests") for path in (ROOT / folder).rglob("*.py")]
    imported = {module: path for path in sources for module in imported_modules(path)}
    known = {"book", "fourierconv", "tests", *sys.stdlib_module_names}
    undeclared = {
        module: str(path.relative_to(ROOT))
        for module, path in imported.items()
        if module not in known and not declared & {canonicalize_name(name) for name in distributions.get(module, [])}
    }
    assert undeclared == {}


def imported_modules(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    return {name.partition(".")[0] for name in names}


def test_conda_installs_the_same_list() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, section = environment["dependencies"]
    assert pip == "pip"
    assert section == {"pip": ["-r requirements.lock", "-e ."]}
    assert Version(python.removeprefix("python=")) in SpecifierSet(PROJECT["requires-python"])


def test_make_alone_lists_the_targets() -> None:
    done = make()
    assert done.returncode == 0
    assert set(re.findall(r"^  ([a-z-]+) ", done.stdout, flags=re.MULTILINE)) >= TARGETS


def test_an_unknown_profile_is_one_line() -> None:
    done = make("reproduce", "PROFILE=fast")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "PROFILE=fast is unknown: choose PROFILE=quick, tuning, pilot or full" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "fourierconv").mkdir()
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\nexit 1\n')
    old.chmod(0o755)
    done = make("reproduce", f"PYTHON={old}", folder=tmp_path)
    assert done.returncode != 0
    assert "is Python 3.9.2, and 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_commands_of_the_readme_are_targets_that_ci_runs() -> None:
    commands = re.findall(r"^make ([a-z-]+)$", README, flags=re.MULTILINE)
    assert commands == ["reproduce", "test", "test", "lint", "reproduce"]
    ci = re.findall(r"^make (?:--jobs=2 )?([a-z -]+)", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    assert {*commands, "test-all", "test-book", "faults"} <= set(" ".join(ci).split())


def test_contributing_begins_with_the_commands_of_the_readme() -> None:
    own, *_ = re.findall(r"```bash\n(.*?)```", CONTRIBUTING, flags=re.DOTALL)
    assert own == re.findall(r"```bash\n(.*?)```", README.partition("## Contribute\n")[2], flags=re.DOTALL)[0]
    assert own.count("\n") == 4


def test_contributing_names_what_there_is() -> None:
    targets = re.findall(r"make\s([a-z-]+)`", CONTRIBUTING)
    assert set(targets) <= TARGETS
    paths = re.findall(r"`((?:book|fourierconv|tests)/[\w./]+|[A-Z]+\.md|[\w]+\.(?:toml|lock))`", CONTRIBUTING)
    assert len(paths) > 5
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_the_changelog_keeps_its_form() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    sections = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    assert sections[0] == "Unreleased"
    kinds = set(re.findall(r"^### (.+)$", changelog, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_book_is_published_with_official_actions_and_few_permissions() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "book.yml").read_text())
    build, publish = (workflow["jobs"][name] for name in ("build", "publish"))
    steps = [*build["steps"], *publish["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)
    assert [step["run"] for step in steps if "run" in step] == ["make reproduce"]
    assert workflow["permissions"] == {}
    assert build["permissions"] == {"contents": "read"}
    assert publish["permissions"] == {"pages": "write", "id-token": "write"}
    assert build["steps"][-1]["with"]["path"] == "book/_build/html"


def test_all_of_the_tests_are_those_of_make_test_and_those_it_leaves_out() -> None:
    said = make("--dry-run", "--always-make", "test-all").stdout
    own, left_out = re.findall(r"-m pytest (.*)", said)
    assert left_out == f"{own} -m full"
    assert PYTEST["addopts"].endswith("-m 'not full'")
    assert make("--dry-run", "--always-make", "test", "test-all").stdout == said


def test_the_examples_of_the_readme_run() -> None:
    layer, network = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(layer, names)
    assert getattr(names["y"], "shape", None) == (8, 32, 64, 64)
    exec(network, names)
    assert str(names["exported"]).count(" Conv2d(") == 2


def test_the_citation_is_of_this_version_and_license() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["authors"] == PROJECT["authors"]
