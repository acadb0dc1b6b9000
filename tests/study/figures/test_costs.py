"""The figures of costs: every cell has its factor and its engine, every contender its line."""

import math
from pathlib import Path

import numpy as np
import pytest

from fourierconv.study.bench import results
from fourierconv.study.bench.bounds import Measured
from fourierconv.study.figures import costs, style
from fourierconv.study.gpu import results as gpu
from tests.study.bench.made import everything
from tests.study.figures.drawn import smallest_letters, words
from tests.study.gpu import made


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Measured]:
    folder: Path = tmp_path_factory.mktemp("bench")
    results.write(everything(), folder)
    return results.measured(folder)


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


def test_every_cell_of_the_family_has_its_factor_and_its_engine(cells: list[Measured]) -> None:
    figure = costs.crossover(cells, "32to32")
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert len(texts) == sum(own.cell.name.startswith("32to32-") for own in cells)
    assert set(texts) == {"4.0t"}
    (image,) = axes.images
    drawn = np.asarray(image.get_array())
    assert np.nanmin(drawn) == pytest.approx(2.0)  # log2 of the factor
    assert all(label in words(figure) for label in ("taps per axis", "image (px)"))


def test_every_contender_has_a_line_through_its_medians(cells: list[Measured]) -> None:
    family = [own for own in cells if own.cell.name.startswith("32to32-64px")]
    figure = costs.curves(family)
    (axes,) = figure.axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.lines}
    assert lines.keys() == {line.label for line in costs.LINES.values()}
    auto = lines[costs.LINES["auto"].label]
    assert len(auto) == len(family)
    assert len(lines[costs.LINES["torch"].label]) == sum("torch" not in own.over for own in family) < len(family)
    assert np.allclose(lines[costs.LINES["einsum"].label] / auto, 4.0)
    assert np.allclose(lines[costs.LINES["floor"].label] / auto, 0.8)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_a_device_has_its_own_contenders_and_one_that_was_not_measured_has_no_point(tmp_path: Path) -> None:
    column = [cell for cell in made.CELLS if cell.name.startswith("64to64-128px")]
    gpu.save(tmp_path, made.state(column, over={"torch bf16 channels_last": "time"}))
    figure = costs.curves(gpu.measured(tmp_path)[0], costs.CUDA_LINES)
    (axes,) = figure.axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata()) for line in axes.lines}
    assert {len(line) for line in lines.values()} == {0, len(column)}
    assert len(lines[costs.CUDA_LINES["torch bf16 channels_last"].label]) == 0
    assert np.allclose(lines["torch, TF32"] / lines["this package, TF32"], 4.0)
    assert smallest_letters(figure) >= 9


def test_letters_are_large_enough(cells: list[Measured]) -> None:
    for figure in (costs.crossover(cells, "32to32"), costs.curves([o for o in cells if "32to32-64px" in o.cell.name])):
        assert smallest_letters(figure) >= 9
        assert math.isclose(figure.get_figwidth(), style.WIDTH)
