import numpy as np
import pytest
import torch
from matplotlib.colors import LogNorm

from fourierconv.study.figures.circulant import FLOOR, diagonalized, eigenvalues, waves
from fourierconv.study.theory.circulant import correlation_matrix, fourier


def test_both_matrices_are_shown_whole() -> None:
    kernels = torch.randn(3, 2, 3, dtype=torch.float64)
    left, right = (axes.images[0] for axes in diagonalized(kernels, 8).axes[:2])
    assert np.array_equal(np.asarray(left.get_array()), correlation_matrix(kernels, 8).numpy())
    magnitudes = np.asarray(right.get_array())
    assert magnitudes.shape == (24, 16)
    assert magnitudes.min() >= FLOOR
    assert isinstance(right.norm, LogNorm)


@pytest.mark.parametrize(("shape", "n", "words"), [((1, 1, 5), 16, "off the diagonal"), ((3, 2, 3), 8, "outside")])
def test_the_title_gives_the_residual(shape: tuple[int, ...], n: int, words: str) -> None:
    title = diagonalized(torch.randn(shape, dtype=torch.float64), n).axes[1].get_title()
    assert words in title
    assert 0 < float(title.split()[-1]) < 1e-14


def test_ticks_are_frequencies_with_dc_in_the_middle() -> None:
    axes = diagonalized(torch.randn(3, 2, 3), 8).axes[1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["−4", "−2", "0", "2"]
    assert axes.get_xticks().tolist() == [0.5, 4.5, 8.5, 12.5]  # in the middle of blocks 2 wide
    assert axes.get_yticks().tolist() == [1.0, 7.0, 13.0, 19.0]  # and 3 high


def test_eigenvalues_lie_on_the_curve() -> None:
    lines = eigenvalues(torch.randn(5, dtype=torch.float64), 16).axes[0].lines
    for curve, dots in (lines[:2], lines[2:]):
        x, y = (np.asarray(data, dtype=float) for data in curve.get_data())
        at, value = (np.asarray(data, dtype=float) for data in dots.get_data())
        assert np.abs(np.interp(at, x, y) - value).max() < 1e-2


def test_waves_are_the_eigenvectors() -> None:
    for m, axes in enumerate(waves(12).axes):
        real, imaginary = (np.asarray(line.get_ydata()) for line in axes.lines)
        assert np.allclose(real + 1j * imaginary, fourier(12)[m + 6].conj().resolve_conj().numpy())
