"""Contact sheet of the letters: the same scenes at three sizes, and the fonts of either split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from fourierconv.study.data.fonts import TEST_FONTS, TRAIN_FONTS, outline
from fourierconv.study.data.letters import Letters, Split, draw
from fourierconv.study.figures.style import WIDTH

SIZES = (32, 64, 128)  # pixels, one row each
SCENES = 3  # per split
STEP = 7  # between the samples shown, so that neighbours in the alphabet are not neighbours here
SHOWN = "GR"  # letters in which the fonts differ much
LEFT, RIGHT, GAP = 0.045, 0.995, 0.02  # shares of the width


def contact_sheet(data: Letters) -> Figure:
    """Show scenes of both splits of `data` at 32, 64 and 128 pixels, whatever its own size, and all fonts.

    >>> len(contact_sheet(Letters(size=32)).axes)
    62
    """
    # Images and glyphs keep their aspect, so the places are given, not left to a layout engine.
    figure = Figure(figsize=(WIDTH, 4.75))
    figure.set_layout_engine("none")
    middle = (LEFT + RIGHT) / 2
    _scenes(figure, data, "train", LEFT, middle - GAP / 2, "Training images")
    _scenes(figure, data, "test", middle + GAP / 2, RIGHT, "Test images")
    end = LEFT + (RIGHT - LEFT - 2 * GAP) * len(TRAIN_FONTS) / len(TRAIN_FONTS + TEST_FONTS)
    _fonts(figure, TRAIN_FONTS, LEFT, end, f"{len(TRAIN_FONTS)} training fonts")
    _fonts(figure, TEST_FONTS, end + 2 * GAP, RIGHT, f"{len(TEST_FONTS)} test fonts")
    return figure


def _scenes(figure: Figure, data: Letters, split: Split, left: float, right: float, title: str) -> None:
    grid = figure.add_gridspec(
        len(SIZES), SCENES, left=left, right=right, bottom=0.26, top=0.945, wspace=0.04, hspace=0.04
    )
    for row, size in enumerate(SIZES):
        for column in range(SCENES):
            axes = _bare(figure.add_subplot(grid[row, column]))
            image = draw(replace(data, size=size), split, STEP * column)
            # Every pixel as a square, and nothing resampled: the pixels are what is compared here.
            axes.imshow(_enlarged(image), cmap="gray", vmin=0, vmax=255, interpolation="none")
            if split == "train" and column == 0:
                axes.set_ylabel(f"{size} px", fontsize=9)
    figure.text((left + right) / 2, 0.956, title, ha="center", fontsize=10)


def _enlarged(image: np.ndarray) -> np.ndarray:  # (128, 128)
    times = max(SIZES) // len(image)
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _fonts(figure: Figure, fonts: Sequence[str], left: float, right: float, title: str) -> None:
    grid = figure.add_gridspec(len(SHOWN), len(fonts), left=left, right=right, bottom=0.0, top=0.18, wspace=0, hspace=0)
    for row, letter in enumerate(SHOWN):
        for column, font in enumerate(fonts):
            axes = _bare(figure.add_subplot(grid[row, column], frame_on=False))
            axes.set(xlim=(-0.6, 0.6), ylim=(-0.6, 0.6), aspect="equal")
            axes.add_patch(PathPatch(outline(font, letter), facecolor="black", linewidth=0))
    figure.text((left + right) / 2, 0.195, title, ha="center", fontsize=10)


def _bare(axes: Axes) -> Axes:
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.5)
    return axes
