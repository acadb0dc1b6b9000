from typing import Any

import matplotlib
import numpy as np
import pytest

from fourierconv.study.data.fonts import REST_FONTS, TEST_FONTS, TRAIN_FONTS, VALIDATION_FONTS, outline
from fourierconv.study.data.letters import CLASSES, _coverage

# Settings of a reader's matplotlibrc that change how matplotlib draws paths and text.
READER_SETTINGS: Any = {
    "path.simplify": True,
    "path.simplify_threshold": 1.0,
    "path.sketch": (3, 10, 5),
    "text.hinting": "default",
    "text.usetex": True,
    "font.size": 30,
}


def masks(font: str) -> np.ndarray:  # (classes, 28 * 28)
    def mask(letter: str) -> np.ndarray:
        path = outline(font, letter)
        return _coverage(type(path)(0.8 * np.asarray(path.vertices) + 0.5, path.codes), 28).ravel()

    return np.stack([mask(letter) for letter in CLASSES])


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Mean over the letters of the Dice coefficient: 1 for equal shapes."""
    return float(np.mean(2 * (first * second).sum(1) / (first.sum(1) + second.sum(1))))


def test_no_font_is_in_both_splits() -> None:
    assert len({*TRAIN_FONTS, *TEST_FONTS}) == len(TRAIN_FONTS) + len(TEST_FONTS) == 22


@pytest.mark.parametrize("font", TEST_FONTS)
def test_no_test_font_looks_like_a_training_font(font: str) -> None:
    # Two weights of one design overlap by 0.72 to 0.80, so 0.83 is far from a copy.
    assert max(overlap(masks(font), masks(other)) for other in TRAIN_FONTS) < 0.83


@pytest.mark.parametrize("font", VALIDATION_FONTS)
def test_no_validation_font_looks_like_the_rest(font: str) -> None:
    assert max(overlap(masks(font), masks(other)) for other in REST_FONTS) < 0.83


def test_validation_fonts_come_from_training_fonts() -> None:
    assert {*VALIDATION_FONTS, *REST_FONTS} == {*TRAIN_FONTS}
    assert len(VALIDATION_FONTS) + len(REST_FONTS) == len(TRAIN_FONTS)


@pytest.mark.parametrize("font", TRAIN_FONTS + TEST_FONTS)
def test_every_font_draws_every_letter_differently(font: str) -> None:
    # A font without a letter draws its mark for a missing one, the same for all.
    drawn = masks(font)
    share = 2 * drawn @ drawn.T / (drawn.sum(1)[:, None] + drawn.sum(1))
    assert np.all(share[~np.eye(len(CLASSES), dtype=bool)] < 0.95)


@pytest.mark.parametrize("font", TRAIN_FONTS + TEST_FONTS)
@pytest.mark.parametrize("letter", "AWJQ")
def test_outline_is_centred_with_longer_side_one(font: str, letter: str) -> None:
    points = np.asarray(outline(font, letter).vertices)
    low, high = points.min(axis=0), points.max(axis=0)
    assert low + high == pytest.approx([0, 0], abs=1e-12)
    assert max(high - low) == pytest.approx(1, abs=1e-12)


def test_outline_does_not_depend_on_the_reader_s_settings() -> None:
    plain = outline("cmr10", "S")
    with matplotlib.rc_context(READER_SETTINGS):
        again = outline.__wrapped__("cmr10", "S")
        mask = _coverage(plain, 32)
    assert np.array_equal(again.vertices, plain.vertices)
    assert np.array_equal(mask, _coverage(plain, 32))
