import numpy as np

from fourierconv.study.figures.margins import shared_margins


def test_the_error_drops_at_the_larger_padding() -> None:
    paddings = [(2, 2), (0, 3), (3, 1)]
    for axes, (left, right) in zip(shared_margins(16, 5, paddings, seed=0).axes, paddings, strict=True):
        marks, errors = axes.lines[:2], axes.lines[2]
        assert [np.asarray(mark.get_xdata())[0] for mark in marks] == [max(left, right), left + right]
        for extra, error in zip(*map(np.asarray, errors.get_data()), strict=True):
            assert (error < 1e-13) == (extra >= max(left, right))


def test_one_legend_explains_the_marks_of_all_panels() -> None:
    (legend,) = shared_margins(16, 5, [(2, 2), (0, 3)], seed=0).legends
    assert [text.get_text() for text in legend.get_texts()] == ["max(left, right)", "left + right"]
