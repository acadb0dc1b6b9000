"""Files of the benchmark: what was measured is read back, shown with its provenance, and fitted."""

import json
from pathlib import Path

import pandas as pd
import pytest

from fourierconv.study.bench import results, views
from fourierconv.study.bench.bounds import bounds
from fourierconv.study.bench.cells import cells, sequences
from fourierconv.study.bench.growth import exponents
from fourierconv.study.store import StudyError
from fourierconv.study.tables import from_csv
from tests.study.bench.made import everything, found, time_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    results.write(everything(), folder)
    memory = [
        {"cell": "depthwise64-128px-k31", "way": way, "held": 50.0, "step": step, "ms": 1.0}
        for way, step in WAYS.items()
    ]
    layers = {"mean": 0.1, "low": 0.0, "high": 0.2, "sd": 0.1, "n": 15}
    grown = [
        {"series": name, "kernel": kernel, "size": size, "engine": "whole", "seconds": (size / 64) ** 2}
        for name, kernel, size in (("kernel", 3, 64), ("kernel", 63, 64), ("image", 11, 64), ("image", 11, 128))
    ]
    (folder / "beside.json").write_text(json.dumps({"memory": memory, "layers": layers, "growth": grown}))
    return folder


WAYS = {"torch": 100.0, "whole": 210.0, "tiled": 220.0, "auto": 200.0, "recompute": 150.0}


def test_cells_are_read_back_as_they_were_measured(folder: Path) -> None:
    read = results.measured(folder)
    assert [own.cell for own in read] == cells()
    for own in read:
        assert own.middle("auto") == pytest.approx(1.1 * time_of(own.cell), rel=1e-5)
        assert own.over == ({"torch": "time"} if own.cell.kernel > 60 else {})
        assert own.engine == "tiled"
    assert len(bounds(read)) == 6


def test_rounds_are_kept_and_summed_up(folder: Path) -> None:
    times = from_csv((folder / "times.csv").read_text())
    (own,) = [
        row for row in times
        if (row["cell"], row["contender"], row["pass"]) == ("32to32-64px-k3", "einsum", "forward")
    ]  # fmt: skip
    seconds = time_of(cells()[5]) * 4 / 3
    assert own["rounds"] == 3
    assert own["median"] == pytest.approx(1100 * seconds, rel=1e-5)
    assert own["low"] == pytest.approx(1050 * seconds, rel=1e-5)
    assert {row["median"] for row in times if row["contender"] == "torch" and row["kernel"] == 63} == {"over the time"}


def test_cells_that_are_missing_are_left_out(tmp_path: Path) -> None:
    for cell in cells()[:2]:
        (tmp_path / f"{cell.name}.json").write_text(json.dumps(found(cell)))
    assert [own["cell"] for own in results.read(tmp_path)] == [cell.name for cell in cells()[:2]]


def test_missing_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"rounds\.csv is missing; make it: make bench"):
        results.measured(tmp_path)


def test_memory_and_layers_are_judged_with_the_rest(folder: Path) -> None:
    judged = results.judge(folder)
    assert len(judged) == 6 + 2 + 2 + 1
    assert all(own.holds for own in judged)


def test_exponents_are_those_of_the_times(folder: Path) -> None:
    values = {own.factor: own.value for own in exponents(results.measured(folder), "auto")}
    expected = {"kernel": 0.0, "image": 2.0, "channels": 2.0, "batch": 1.0}
    assert values == pytest.approx(expected, abs=1e-4)


def test_too_few_cells_for_exponents_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="do not tell kernel, image, channels, batch apart"):
        exponents(results.measured(folder)[:5], "auto")


def test_every_table_says_where_it_comes_from(folder: Path) -> None:
    note = views.note(folder)
    assert note == "abacus, 2 threads, torch 2.0, 2026-01-01, 60 cells in 60 min."
    assert note in views.table(pd.DataFrame({"a": [1.0]}), folder).data


def test_the_chapters_tables(folder: Path) -> None:
    assert views.bounds(results.judge(folder))["holds"].tolist() == ["yes"] * 11
    growth = views.growth(results.measured(folder), ["auto"])
    assert growth.loc[0, "image"] == "2.00 ± 0.00"
    assert views.choice(results.measured(folder)).empty
    memory = views.memory(folder).set_index("way")["times torch's"]
    assert memory.to_dict() == {way: step / 100 for way, step in WAYS.items()}


def test_sequences_are_shown_with_how_much_longer_others_take(tmp_path: Path) -> None:
    over = {4095: ("torch",), 1001: ("torch", "einsum")}
    own = [found(cell, over=over.get(cell.kernel, ())) for cell in sequences()]
    for entry in own:
        if "einsum" in entry["over"]:
            entry["over"]["einsum"] = "memory"
    results.write(own, tmp_path)
    shown = views.sequences(results.measured(tmp_path)).set_index("cell")
    assert shown.index.tolist() == [cell.name for cell in sequences()]
    assert shown.loc["32to32-4096-k31"].tolist()[0::2] == ["tiled", "12", "4.0"]
    assert shown.loc["32to32-4096-k31", "faster package"] == "16"
    assert shown.loc["32to32-4096-k4095", "torch"].startswith("over ")
    assert shown.loc["32to32-4096-k1001", "einsum"] == "over the memory"
