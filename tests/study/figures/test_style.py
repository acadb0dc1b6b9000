"""The figures' style: letters large enough, colours that stay apart, signed maps centred, files deterministic."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from fourierconv.study import methods
from fourierconv.study.experiments import image_size
from fourierconv.study.figures import style

# Linear-RGB matrices of complete protanopia, deuteranopia, tritanopia: Machado, Oliveira, Fernandes 2009, severity 1.
VISION = {
    "normal": np.eye(3),
    "protan": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
    "deutan": np.array([[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
    "tritan": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])
WHITE = XYZ.sum(axis=1)
COLORS = [look.color for look in style.LOOKS.values()]


def linear(color: str) -> np.ndarray:
    encoded = np.array(to_rgb(color))
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    ratio = XYZ @ np.clip(linear_rgb, 0, 1) / WHITE
    x, y, z = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.fixture
def figure() -> Iterator[Figure]:
    with plt.rc_context():
        style.apply()
        figure, axes = plt.subplots()
        axes.plot([32, 64, 128], [0.1, 0.2, 0.4], label="accuracy")
        axes.set(title="title", xlabel="size (px)", ylabel="accuracy")
        axes.legend()
        figure.suptitle("heading")
        yield figure
        plt.close(figure)


@pytest.mark.parametrize("vision", VISION)
def test_every_two_colors_stay_apart(vision: str) -> None:
    seen = [lab(VISION[vision] @ linear(color)) for color in COLORS]
    distances = {
        pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(range(len(COLORS)), 2)
    }
    assert min(distances.values()) > 25, min(distances, key=distances.__getitem__)


@pytest.mark.parametrize("vision", VISION)
def test_contenders_that_the_protocol_draws_as_lines_stay_apart(vision: str) -> None:
    seen = [lab(VISION[vision] @ linear(style.KNOWN[name].color)) for name in style.PROTOCOL]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 20


@pytest.mark.parametrize("color", sorted({look.color for look in style.KNOWN.values()}))
def test_colors_have_a_contrast_of_three_on_white(color: str) -> None:
    luminance = float(XYZ[1] @ linear(color))
    assert 1.05 / (luminance + 0.05) >= 3


@pytest.mark.parametrize("color", sorted({look.color for look in style.KNOWN.values()}))
def test_letters_in_a_contender_s_ink_can_be_read(color: str) -> None:
    luminance = float(XYZ[1] @ linear(style.ink(color)))
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_every_contender_of_image_size_has_its_look() -> None:
    assert list(style.LOOKS) == list(image_size.METHODS)


def test_every_contender_of_the_study_has_a_look_of_its_own() -> None:
    assert set(style.KNOWN) == set(methods.METHODS)
    assert len({look.label for look in style.KNOWN.values()}) == len(style.KNOWN)
    assert len({(look.color, look.marker) for look in style.KNOWN.values()}) == len(style.KNOWN)


def test_looks_differ_in_marker_and_label_too() -> None:
    assert len({look.marker for look in style.LOOKS.values()}) == len(style.LOOKS)
    assert len({look.label for look in style.LOOKS.values()}) == len(style.LOOKS)


def test_letters_are_at_least_nine_points(figure: Figure) -> None:
    shown = (text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text())
    sizes = {text.get_text(): float(text.get_fontsize()) for text in shown}
    assert {"title", "heading", "size (px)", "accuracy"} <= sizes.keys()
    assert min(sizes.values()) >= 9, sizes


def test_a_figure_saved_twice_gives_the_same_bytes(figure: Figure, tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "a.svg", tmp_path / "new" / "b.svg"
    style.save(figure, first)
    style.save(figure, second)
    assert first.read_bytes() == second.read_bytes()
    assert b"<dc:date>" not in first.read_bytes()


def test_a_saved_figure_is_as_wide_as_the_text_column(figure: Figure, tmp_path: Path) -> None:
    style.save(figure, tmp_path / "a.svg")
    assert f'width="{style.WIDTH * 72:g}pt"' in (tmp_path / "a.svg").read_text()


def test_other_formats_are_refused(figure: Figure, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.png is no SVG file"):
        style.save(figure, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("values", [[-3.0, 1.0], [0.5, 2.0], [-2.0, -1.0]])
def test_signed_maps_are_white_at_zero(values: list[float]) -> None:
    keywords = style.diverging(values)
    norm, cmap = keywords["norm"], plt.get_cmap(str(keywords["cmap"]))
    assert callable(norm)
    assert norm(0.0) == 0.5
    assert min(cmap(norm(0.0))) > 0.95
    assert norm(-max(map(abs, values))) == 0
    assert norm(max(map(abs, values))) == 1
