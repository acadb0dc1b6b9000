import numpy as np
import pytest

from fourierconv.study.data import normalise


def test_every_grey_level_keeps_its_place() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(2, 2, 8, 8)
    floats = normalise(levels)
    assert floats.dtype == np.float32
    assert floats.shape == levels.shape
    assert np.array_equal(np.rint(floats * 63.75 + 127.5), levels)


def test_floats_are_not_normalised_twice() -> None:
    with pytest.raises(TypeError, match="images must be uint8, got float32"):
        normalise(normalise(np.zeros(3, np.uint8)))
