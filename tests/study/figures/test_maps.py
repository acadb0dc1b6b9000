import numpy as np
import torch
from matplotlib.figure import Figure

from fourierconv.study.figures import maps
from fourierconv.study.theory.draws import layer_of


def test_the_origin_of_a_kernel_is_at_zero() -> None:
    for size in (4, 5):
        kernel = torch.zeros(size, size)
        kernel[(size - 1) // 2, (size - 1) // 2] = 1
        image = maps.draw_kernel(Figure().subplots(), kernel)
        left, right, bottom, top = image.get_extent()
        column = int((0 - left) / (right - left) * size)
        row = int((0 - top) / (bottom - top) * size)
        assert kernel[row, column] == 1


def test_dc_is_at_frequency_zero() -> None:
    for n in (8, 9):
        left, right, bottom, top = maps.draw_spectrum(Figure().subplots(), torch.ones(n, n)).get_extent()
        assert int((0 - left) / (right - left) * n) == int((0 - top) / (bottom - top) * n) == n // 2
        assert right - left == 1


def test_a_spectrum_is_dark_at_zero_and_a_kernel_white() -> None:
    assert maps.draw_spectrum(Figure().subplots(), torch.ones(4, 4) * 3).norm.vmin == 0
    norm = maps.draw_kernel(Figure().subplots(), torch.tensor([[1.0, 4.0], [0.0, -1.0]])).norm
    assert norm(np.zeros(1)) == 0.5


def test_magnitude_is_that_of_the_layers_spectrum() -> None:
    layer = layer_of("spline", 5, None, seed=0)
    magnitude = maps.magnitude(layer, 8)
    half = layer.spectrum((8, 8)).detach()[0, 0].abs()
    torch.testing.assert_close(torch.fft.ifftshift(magnitude)[:, :5], half)
