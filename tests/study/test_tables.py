"""Tables: the same bytes from the same results, provenance beside them, and what is stale, cut or missing is named."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.study import tables
from fourierconv.study.store import Outcome, Result, Store, StudyError
from tests.study import toy

CONFIGS = toy.configs("quick")
COLUMNS = ("profile", *toy.columns)
SOURCE = {"commit": "c0ffee", "dirty": False, "cpu": "abacus", "threads": 1, "command": "python -m study"}

CUT = {
    "toy.csv": (lambda text: text[: len(text) // 2], "is not the table that toy.provenance.json describes"),
    "toy.provenance.json": (lambda text: text[: len(text) // 2], "is not whole JSON"),
}
CELLS = [("5", 5), ("-5", -5), ("0.25", 0.25), ("1e-07", 1e-7), ("", ""), ("window", "window"), ("5x5", "5x5")]
FLOATS = [(10 / 3, "3.33333"), (0.5, "0.5"), (1e-7, "1e-07"), (123456789.0, "1.23457e+08")]


def metrics(config: toy.Config) -> dict[str, Any]:
    return {"accuracy": 0.5 + config.seed / 7, "extent": config.size / 3}


def result(config: toy.Config) -> Result:
    return Result("0123456789abcdef", config, metrics(config), [], {})


def fill(store: Store, configs: list[toy.Config], seconds: float = 60.0, **source: Any) -> None:
    for day, config in enumerate(configs, start=1):
        provenance = SOURCE | {"duration_s": seconds, "date": f"2026-01-{day:02d}T00:00:00+00:00"} | source
        store.save(toy, config, Outcome(metrics(config), []), provenance)


@pytest.fixture
def collected(store: Store, tmp_path: Path) -> Path:
    """The folder of a collected quick profile."""
    fill(store, CONFIGS)
    return tables.collect(toy, "quick", store, tmp_path / "results" / "quick").parent


def test_rows_have_the_columns_in_order_and_are_sorted_by_them() -> None:
    rows = tables.tidy(toy, "quick", [result(toy.Config(size, seed)) for seed in (10, 2) for size in (128, 32)])
    assert [tuple(row) for row in rows] == [COLUMNS] * 4
    assert [(row["size"], row["seed"]) for row in rows] == [(32, 2), (32, 10), (128, 2), (128, 10)]
    assert {row["profile"] for row in rows} == {"quick"}


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_results_does_not_show(shuffler: random.Random) -> None:
    results = [result(config) for config in CONFIGS]
    expected = tables.to_csv(tables.tidy(toy, "quick", results), COLUMNS)
    shuffler.shuffle(results)
    assert tables.to_csv(tables.tidy(toy, "quick", results), COLUMNS) == expected


def test_a_row_of_other_columns_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "columns", ("method", "seed"))
    with pytest.raises(ValueError, match=r"toy made a row of .*'accuracy'.* not of"):
        tables.tidy(toy, "quick", [result(CONFIGS[0])])


def test_a_cell_holds_one_value_or_nothing() -> None:
    found = result(CONFIGS[0])
    (row,) = tables.tidy(toy, "quick", [replace(found, metrics=found.metrics | {"extent": None})])
    assert row["extent"] == ""
    with pytest.raises(ValueError, match=r"toy made a row whose extent is \[3.0\]"):
        tables.tidy(toy, "quick", [replace(found, metrics=found.metrics | {"extent": [3.0]})])


@pytest.mark.parametrize(("number", "text"), FLOATS)
def test_floats_have_six_digits(number: float, text: str) -> None:
    assert tables.to_csv([{"extent": number}], ["extent"]) == f"extent\n{text}\n"


@pytest.mark.parametrize(("text", "cell"), CELLS)
def test_cells_are_read_as_what_they_are(text: str, cell: tables.Cell) -> None:
    (row,) = tables.from_csv(f"method,value\nwindow,{text}\n")
    assert row == {"method": "window", "value": cell}
    assert type(row["value"]) is type(cell)


def test_a_line_cut_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        tables.from_csv("method,seed\nwindow,0\nspl")


def test_a_collected_table_is_read_back(collected: Path) -> None:
    table = tables.read(toy, collected)
    assert len(table.rows) == len(CONFIGS)
    assert table.rows[0] == {
        "profile": "quick",
        "method": "conv2d",
        "size": 32,
        "seed": 0,
        "accuracy": 0.5,
        "extent": 10.6667,
    }
    assert table.banner == ""


def test_times_are_in_the_sidecar_and_not_in_the_table(collected: Path, tmp_path: Path) -> None:
    other = Store(tmp_path / "another day")
    fill(other, CONFIGS[::-1], seconds=99.0, cpu="slide rule", commit="decaf")  # the first one is the last one done
    path = tables.collect(toy, "quick", other, tmp_path / "other" / "quick")
    assert path.read_bytes() == (collected / "toy.csv").read_bytes()
    sidecar = tables.read(toy, path.parent).provenance
    assert sidecar["duration_s"] == 99.0 * len(CONFIGS)
    assert (sidecar["cpu"], sidecar["commit"], sidecar["dirty"]) == (["slide rule"], ["decaf"], [False])
    assert (sidecar["first_date"][:10], sidecar["last_date"][:10]) == ("2026-01-01", "2026-01-12")
    assert (sidecar["profile"], sidecar["numerics"]) == ("quick", toy.NUMERICS)
    assert sidecar["runs"].keys() == {other.path(toy, config).stem for config in CONFIGS}


def test_machines_are_kept_by_run_where_a_sweep_has_several(store: Store, tmp_path: Path) -> None:
    fill(store, CONFIGS[:6], device="cpu")
    fill(store, CONFIGS[6:], device="H0")
    path = tables.collect(toy, "quick", store, tmp_path / "results" / "quick")
    sidecar = tables.read(toy, path.parent).provenance
    assert (sidecar["cpu"], sidecar["device"]) == (["abacus"], ["H0", "cpu"])
    runs = [sidecar["runs"][store.path(toy, config).stem] for config in CONFIGS]
    assert [run["device"] for run in runs] == ["cpu"] * 6 + ["H0"] * 6
    assert not [run for run in runs if "cpu" in run]


def test_what_did_not_change_keeps_its_time_stamp(collected: Path, store: Store) -> None:
    before = {path: path.stat().st_mtime_ns for path in collected.iterdir()}
    tables.collect(toy, "quick", store, collected)
    assert len(before) == 2
    assert {path: path.stat().st_mtime_ns for path in collected.iterdir()} == before


def test_missing_runs_are_counted_and_no_table_is_written(store: Store, tmp_path: Path) -> None:
    fill(store, CONFIGS[:-2])
    with pytest.raises(StudyError, match=r"toy: 2 of 12 runs are missing; first: .* run --profile quick$"):
        tables.collect(toy, "quick", store, tmp_path / "quick")
    assert not (tmp_path / "quick").exists()


@pytest.mark.parametrize("name", CUT)
def test_a_cut_file_is_named(collected: Path, name: str) -> None:
    cut, message = CUT[name]
    (collected / name).write_text(cut((collected / name).read_text()))
    with pytest.raises(StudyError, match=f"{collected}.*{message}; make .*collect --profile quick$"):
        tables.read(toy, collected)


@pytest.mark.parametrize("name", CUT)
def test_an_absent_file_is_named(collected: Path, name: str) -> None:
    (collected / name).unlink()
    with pytest.raises(StudyError, match=f"{collected / name} is missing; make it: .*collect --profile quick$"):
        tables.read(toy, collected)


def test_a_table_of_other_numerics_has_a_banner(collected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "NUMERICS", {"toy": 2})
    banner = tables.read(toy, collected).banner
    assert "{'toy': 1}" in banner
    assert "{'toy': 2}" in banner


def test_facts_of_the_runs(collected: Path) -> None:
    assert tables.facts({"toy": tables.read(toy, collected)}) == {
        "runs_toy": "12",
        "time_toy": "12 min of one core",
        "time": "12 min of one core",
        "hardware": "abacus",
    }
    assert json.loads((collected / "toy.provenance.json").read_text())["cpu"] == ["abacus"]
