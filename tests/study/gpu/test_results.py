"""Files of the CUDA benchmark: few, made from what is kept, and only a GPU's are committed."""

import json
from pathlib import Path

import pytest

from fourierconv.study.bench.cells import Cell
from fourierconv.study.gpu import results
from fourierconv.study.store import StudyError
from fourierconv.study.tables import from_csv
from tests.study.gpu.made import CELLS, PROVENANCE, found, state


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert results.load(tmp_path) == {"cells": {}, "excluded": {}, "checks": None}
    own = json.loads(json.dumps(state(CELLS[:2])))
    results.save(tmp_path, own)
    assert results.load(tmp_path) == own
    results.save(tmp_path, own)
    assert {path.name for path in tmp_path.iterdir()} == {"cells.json", "cuda.csv", "rounds.csv", "provenance.json"}


def test_the_table_holds_medians_memory_errors_and_reasons(tmp_path: Path) -> None:
    results.save(tmp_path, {**state([]), "cells": {CELLS[0].name: found(CELLS[0], over={"torch": "time"})}})
    table = from_csv((tmp_path / "cuda.csv").read_text())
    rows = {(row["contender"], row["pass"]): row for row in table}
    assert tuple(table[0]) == results.COLUMNS
    step = rows["einsum", "step"]
    assert (step["median"], step["rounds"], step["peak_mb"], step["error"]) == (6.6, 3, 800, 1e-6)
    assert rows["einsum", "forward"]["peak_mb"] == ""
    assert rows["torch", "step"]["median"] == "over the time"
    assert rows["torch-fftconv", "step"]["median"] == "not installed"
    assert rows["floor", "step"]["median"] == pytest.approx(1.1)
    assert rows["bytes", "step"]["rounds"] == 1


def test_the_bytes_floor_reads_inputs_once_and_writes_outputs_once() -> None:
    own = found(Cell("small", 2, 3, 4, 1, 8, 3))
    numbers = 2 * 3 * 64 + 4 * 3 * 9 + 2 * 4 * 64
    assert results.bytes_floor(own) == pytest.approx({"forward": 4e-9 * numbers, "step": 8e-9 * numbers})


def test_only_a_gpus_times_are_committed(tmp_path: Path) -> None:
    folder, committed = tmp_path / "gpu", tmp_path / "committed"
    with pytest.raises(StudyError, match=r"cells\.json holds no cell; make it where there is a CUDA device: make gpu"):
        results.replace_committed(folder, committed)
    own = state(CELLS[:1])
    results.save(folder, own)
    assert [path.name for path in results.replace_committed(folder, committed)] == [
        "cuda.csv", "rounds.csv", "provenance.json"
    ]  # fmt: skip
    assert json.loads((committed / "provenance.json").read_text())["made"][0]["gpu"] == PROVENANCE["gpu"]
    own["cells"][CELLS[0].name]["provenance"] = {key: value for key, value in PROVENANCE.items() if key != "gpu"}
    results.save(folder, own)
    with pytest.raises(StudyError, match="measured without a GPU, to rehearse"):
        results.replace_committed(folder, committed)
