import numpy as np
import pytest

from fourierconv import parameterizations
from fourierconv.study.figures.gallery import GRID, gallery
from fourierconv.study.theory.draws import layer_of

SCALES = {"window": 1.5, "scaled": 2.5, "hermite": 2.0}


@pytest.mark.parametrize("name", parameterizations.NAMES)
def test_kernel_and_spectrum_are_the_layers(name: str) -> None:
    layer = layer_of(name, 5, SCALES.get(name), seed=0)
    _, _, kernel, spectrum = gallery(layer, 15).axes
    assert np.allclose(np.asarray(kernel.images[0].get_array()), layer.kernel(15).detach()[0, 0])
    half = layer.spectrum((GRID, GRID)).detach()[0, 0].abs()
    shown = np.fft.ifftshift(np.asarray(spectrum.images[0].get_array()))
    assert np.allclose(shown[:, : GRID // 2 + 1], half)


@pytest.mark.parametrize("name", parameterizations.NAMES)
def test_columns_of_b_are_the_transforms_of_those_of_a(name: str) -> None:
    taps, spectra, _, _ = gallery(layer_of(name, 5, SCALES.get(name), seed=0), 61).axes
    u = (np.arange(GRID) - GRID // 2) / GRID
    for a, b in zip(taps.lines, spectra.lines, strict=True):
        t, column = (np.asarray(data, dtype=float) for data in a.get_data())
        transformed = (np.exp(-2j * np.pi * np.outer(u, t)) @ column).real
        assert np.abs(transformed - np.asarray(b.get_ydata(), dtype=float)).max() < 1e-3


def test_of_many_columns_the_middle_ones_are_shown() -> None:
    taps = gallery(layer_of("window", 21, 2.0, seed=0), 15).axes[0]
    peaks = [np.asarray(line.get_xdata())[np.argmax(np.asarray(line.get_ydata()))] for line in taps.lines]
    assert peaks == [-2, -1, 0, 1, 2]
