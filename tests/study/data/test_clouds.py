import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourierconv.study.data.clouds import cloud

SIZES = st.integers(min_value=3, max_value=96)


def modes(image: np.ndarray, radius: int) -> np.ndarray:  # (2 * radius + 1, radius + 1) complex
    """Fourier coefficients of the scene up to `radius` cycles per image, with the unit square's corner as origin."""
    size = len(image)
    rows, columns = np.arange(-radius, radius + 1)[:, None], np.arange(radius + 1)
    half_pixel = np.exp(-1j * np.pi * (rows + columns) / size)
    return np.fft.rfft2(image, norm="forward")[rows, columns] * half_pixel


@settings(deadline=None)
@given(size=SIZES, other=SIZES, seed=st.integers(0, 2**32 - 1))
def test_two_sizes_show_the_same_modes(size: int, other: int, seed: int) -> None:
    first, second = (cloud(np.random.default_rng(seed), n) for n in (size, other))
    radius = (min(size, other) - 1) // 2
    assert first.shape == (size, size)
    assert np.allclose(modes(first, radius), modes(second, radius), rtol=0, atol=1e-12)


@settings(deadline=None)
@given(size=SIZES, seed=st.integers(0, 2**32 - 1))
def test_mean_and_nyquist_modes_are_zero(size: int, seed: int) -> None:
    spectrum = np.fft.fft2(cloud(np.random.default_rng(seed), size), norm="forward")
    assert abs(spectrum[0, 0]) < 1e-12
    if size % 2 == 0:
        assert abs(spectrum[size // 2]).max() < 1e-12
        assert abs(spectrum[:, size // 2]).max() < 1e-12


@pytest.mark.parametrize(("row", "column"), [(0, 1), (1, 0), (3, 4), (-3, 4), (4, 3), (-5, 0), (12, 9), (-15, 15)])
def test_power_falls_with_the_square_of_the_frequency(row: int, column: int) -> None:
    rng = np.random.default_rng(0)
    power = np.mean([abs(modes(cloud(rng, 32), 15)[15 + row, column]) ** 2 for _ in range(2000)])
    # The power of one mode is exponentially distributed: 2000 of them have a relative error of 2.2 %.
    assert power * (row**2 + column**2) == pytest.approx(1, abs=0.1)
