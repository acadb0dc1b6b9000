import io

import matplotlib
import numpy as np

from fourierconv.study.data import Letters
from fourierconv.study.data.letters import Split, draw
from fourierconv.study.figures import style
from fourierconv.study.figures.contact_sheet import contact_sheet


def test_each_column_is_one_scene_at_three_sizes() -> None:
    figure = contact_sheet(Letters(size=100, seed=2))
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
    assert [image.shape for image in shown] == [(128, 128)] * 18
    places: list[tuple[int, Split]] = [(0, "train"), (9, "test")]
    for position, split in places:
        for row, size in enumerate((32, 64, 128)):
            scene = draw(Letters(size, seed=2), split, 7)
            assert np.array_equal(shown[position + 3 * row + 1], np.kron(scene, np.ones((128 // size,) * 2)))


def test_all_fonts_are_shown_twice() -> None:
    figure = contact_sheet(Letters(size=32))
    assert sum(len(axes.patches) for axes in figure.axes) == 2 * 22


def test_figure_keeps_every_pixel_in_the_style_of_the_book() -> None:
    file = io.BytesIO()
    with matplotlib.rc_context():
        style.apply()
        figure = contact_sheet(Letters(size=32))
        figure.savefig(file, format="svg")
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(box.count_overlaps(boxes) == 1 for box in boxes)  # with itself only
    svg = file.getvalue().decode()
    assert svg.count('width="128" height="128"') == svg.count("<image") == 18
