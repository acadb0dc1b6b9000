"""The pages on results and notebooks: everything that is committed is listed, and holes in the records are errors."""

import json
import shutil
from pathlib import Path

import pytest

from fourierconv.study.records import HOLDS, execution, provenance
from fourierconv.study.store import StudyError, repository_root
from tests.study.records_cases import DAMAGES, executed

COMMITTED = repository_root() / "book" / "results"
SIDECARS = ("quick/size_recovery.provenance.json", "bench/provenance.json", "gpu/provenance.json")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A copy of what is committed, without the runs."""
    folder = tmp_path / "book" / "results"
    shutil.copytree(COMMITTED, folder, ignore=shutil.ignore_patterns("runs"))
    return folder


def test_every_committed_file_is_listed() -> None:
    text = provenance(COMMITTED)
    for folder in COMMITTED.iterdir():
        assert f"## Profile {folder.name}\n" in text or f"## Benchmark {folder.name}\n" in text
    files = [path.name for path in COMMITTED.glob("*/*") if path.is_file()]
    assert not [name for name in files if not name.endswith("provenance.json") and f"`{name}`" not in text]
    assert all(path.exists() for path in map(COMMITTED.joinpath, SIDECARS))


def test_a_table_says_what_its_sidecar_says() -> None:
    own = json.loads((COMMITTED / SIDECARS[0]).read_text())
    section = provenance(COMMITTED).split("### quick: size recovery\n")[1].split("\n##")[0]
    rows = len((COMMITTED / "quick" / "size_recovery.csv").read_text().splitlines()) - 1
    expected = (own["commit"][0][:12], own["torch"][0], own["cpu"][0], own["command"][0], f"{rows} rows", "all ")
    assert not [word for word in expected if word not in section]
    assert f"{own['first_date'][:10]} {own['first_date'][11:16]} UTC to" in section


@pytest.mark.parametrize("name", SIDECARS)
@pytest.mark.parametrize("content", [None, '{"sha256": '])
def test_a_sidecar_with_a_hole_is_named_with_its_command(results: Path, name: str, content: str | None) -> None:
    (results / name).unlink()
    if content is not None:
        (results / name).write_text(content)
    with pytest.raises(StudyError, match=r"python -m fourierconv\.study \w+") as caught:
        provenance(results)
    assert str(results / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "key"), [(SIDECARS[0], "commit"), (SIDECARS[1], "seconds"), (SIDECARS[2], "made")])
def test_a_sidecar_that_lacks_something_is_an_error(results: Path, name: str, key: str) -> None:
    sidecar = json.loads((results / name).read_text())
    del sidecar[key]
    (results / name).write_text(json.dumps(sidecar))
    with pytest.raises(StudyError, match=rf"{name} does not tell its '{key}'; make it again: "):
        provenance(results)


def test_a_table_of_changed_code_says_so(results: Path) -> None:
    path, words = results / SIDECARS[0], ", with changes beyond it |"
    sidecar, before = json.loads(path.read_text()), provenance(results).count(words)
    assert sidecar["dirty"] == [False]
    path.write_text(json.dumps(sidecar | {"dirty": [False, True]}))
    assert provenance(results).count(words) == before + 1


def test_a_part_of_a_profile_says_how_large_it_is(results: Path) -> None:
    path = results / "pilot" / "classification.provenance.json"
    sidecar = json.loads(path.read_text())
    asked = len(sidecar["runs"])
    sidecar["runs"].popitem()
    path.write_text(json.dumps(sidecar))
    assert f"| runs | {asked - 1} of the {asked} that the profile asks for |" in provenance(results)


def test_a_table_without_its_file_is_an_error(results: Path) -> None:
    (results / "quick" / "image_size.csv").unlink()
    with pytest.raises(StudyError, match=r"image_size\.csv is missing; .* make results PROFILE=quick"):
        provenance(results)


def test_an_edited_table_is_an_error(results: Path) -> None:
    table = results / "quick" / "image_size.csv"
    table.write_text(table.read_text().replace("letters", "photos", 1))
    with pytest.raises(StudyError, match=r"image_size\.csv is not the table that .* describes"):
        provenance(results)


def test_a_table_of_older_numerics_has_a_banner(results: Path) -> None:
    path = results / SIDECARS[0]
    sidecar = json.loads(path.read_text())
    path.write_text(json.dumps(sidecar | {"numerics": {"layers": 0}}))
    assert provenance(results).count("```{warning}\nMade with numerics") == 1


def test_a_file_that_nothing_describes_is_an_error(results: Path) -> None:
    (results / "quick" / "more.csv").write_text("a\n1\n")
    with pytest.raises(StudyError, match=r"more\.csv: nothing says what it holds"):
        provenance(results)


def test_no_results_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no results; make them: make results"):
        provenance(tmp_path)


def test_a_folder_of_unknown_origin_is_an_error(results: Path) -> None:
    (results / "mine").mkdir()
    with pytest.raises(StudyError, match=r"mine/provenance\.json is missing"):
        provenance(results)


def test_descriptions_are_of_committed_files() -> None:
    files = {path.name for path in COMMITTED.glob("*/*")}
    assert HOLDS.keys() <= files


def test_an_executed_notebook_has_its_row(tmp_path: Path) -> None:
    for folder in ("notebooks", "copies"):
        executed(tmp_path / folder / "01_waves.ipynb")
    text = execution(tmp_path / "notebooks", tmp_path / "copies")
    assert "| [](notebooks/01_waves) | 12 s | 2026-11-26 09:28 | 2 of 2 |" in text
    assert text.startswith("Executed by papermill 2.7.0 with profile quick; 12 s in all. The pages were built on ")


@pytest.mark.parametrize("case", DAMAGES)
def test_a_notebook_with_a_hole_is_named_with_its_command(tmp_path: Path, case: str) -> None:
    content, message = DAMAGES[case]
    executed(tmp_path / "notebooks" / "01_waves.ipynb")
    copy = tmp_path / "copies" / "01_waves.ipynb"
    if content is not None:
        copy.parent.mkdir()
        copy.write_text(content)
    with pytest.raises(StudyError) as caught:
        execution(tmp_path / "notebooks", tmp_path / "copies")
    assert str(copy) in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_a_cell_that_was_not_completed_is_an_error(tmp_path: Path, status: str) -> None:
    for folder in ("notebooks", "copies"):
        executed(tmp_path / folder / "01_waves.ipynb", status)
    with pytest.raises(StudyError, match="was not executed to its end"):
        execution(tmp_path / "notebooks", tmp_path / "copies")
