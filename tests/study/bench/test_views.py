"""The chapter's tables name the hardware they were measured on."""

from pathlib import Path

from fourierconv.study.bench import results, views
from fourierconv.study.gpu import results as gpu
from tests.study.bench.made import everything
from tests.study.gpu import made


def test_the_note_names_the_processor_and_its_threads(tmp_path: Path) -> None:
    results.write(everything(), tmp_path)
    assert views.note(tmp_path) == "abacus, 2 threads, torch 2.0, 2026-01-01, 60 cells in 60 min."


def test_the_note_names_the_device_where_there_is_one(tmp_path: Path) -> None:
    gpu.save(tmp_path, made.state(made.CELLS[:2]))
    assert views.note(tmp_path) == "abacus, torch 2.0, 2026-01-01, 2 cells in 12 s."


def test_a_choice_that_was_not_the_fastest_is_listed(tmp_path: Path) -> None:
    cells = everything()
    wrong = cells[3]["cell"]
    cells[3]["plans"]["auto"]["engine"] = "whole"  # which takes half as long again as 'tiled'
    results.write(cells, tmp_path)
    found = views.choice(results.measured(tmp_path))
    assert found[["cell", "chosen", "fastest"]].values.tolist() == [[wrong, "whole", "tiled"]]
