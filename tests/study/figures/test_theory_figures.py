"""What all figures of the notebooks on theory have in common: they can be read, and none hides a part of itself."""

import io
import re
from itertools import pairwise

import matplotlib
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fourierconv.study.figures import style
from tests.study.figures.theory_cases import FIGURES


@pytest.fixture(params=list(FIGURES), scope="module")
def figure(request: pytest.FixtureRequest) -> Figure:
    with matplotlib.rc_context():
        style.apply()
        figure = FIGURES[request.param]()
        FigureCanvasAgg(figure).draw()
        return figure


def shown(figure: Figure) -> list[Text]:
    texts = (text for text in figure.findobj(Text) if isinstance(text, Text))
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def box(text: Text) -> Bbox:
    return text.get_window_extent()


def test_it_is_as_wide_as_the_text_column(figure: Figure) -> None:
    assert figure.get_figwidth() == style.WIDTH


def test_letters_are_at_least_nine_points(figure: Figure) -> None:
    assert min(float(text.get_fontsize()) for text in shown(figure)) >= 9


def test_no_title_or_label_is_cut_off(figure: Figure) -> None:
    names = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    for text in (name for name in names if name.get_text()):
        inside = box(text)
        assert figure.bbox.x0 <= inside.x0, text.get_text()
        assert inside.x1 <= figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 <= inside.y0, text.get_text()
        assert inside.y1 <= figure.bbox.y1, text.get_text()


def test_titles_do_not_touch(figure: Figure) -> None:
    boxes = [box(axes.title) for axes in figure.axes if axes.title.get_text()]
    assert sum(first.overlaps(second) for i, first in enumerate(boxes) for second in boxes[:i]) == 0


def test_tick_labels_do_not_touch(figure: Figure) -> None:
    for axes in figure.axes:
        for first, second in pairwise(sorted(visible_ticks(axes), key=lambda label: label.x0)):
            assert first.x1 < second.x0


def visible_ticks(axes: Axes) -> list[Bbox]:
    low, high = sorted(axes.get_xlim())
    labels = [label for label in axes.get_xticklabels() if label.get_text()]
    return [box(label) for label in labels if low <= label.get_position()[0] <= high]


def test_axes_say_what_they_measure(figure: Figure) -> None:
    """Axes of frequency name their unit; so do those of space."""
    labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
    assert labels
    for label in labels:
        assert "$u" not in label or re.search(r"cycles(/px| per pixel)", label)


@pytest.mark.parametrize("name", FIGURES)
def test_drawn_twice_it_gives_the_same_file(name: str) -> None:
    files = []
    with matplotlib.rc_context():
        style.apply()
        for _ in range(2):
            torch.manual_seed(0)
            files.append(io.BytesIO())
            FIGURES[name]().savefig(files[-1], format="svg", metadata={"Date": None})
    assert files[0].getvalue() == files[1].getvalue()
