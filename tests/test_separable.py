"""Matrices of the discrete Fourier transform, and kernels made by one matrix per axis."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fourierconv import phases, separable
from fourierconv.grid import Axis
from fourierconv.separable import combine, dft, transform


@pytest.mark.parametrize("n", [1, 2, 5, 8, 13])
def test_dft_is_torchs(n: int) -> None:
    taps = torch.randn(n, 3, dtype=torch.float64)
    full, half = (dft(n, torch.arange(n), rows, torch.float64) for rows in (n, n // 2 + 1))
    torch.testing.assert_close(transform(full, taps), torch.fft.fft(taps, dim=0))
    torch.testing.assert_close(transform(half, taps), torch.fft.rfft(taps, dim=0))


@given(n=st.integers(1, 40), position=st.integers(-100, 100))
def test_positions_wrap_around_the_grid(n: int, position: int) -> None:
    wrapped = dft(n, torch.tensor([position % n]), n, torch.float64)
    assert torch.equal(dft(n, torch.tensor([position]), n, torch.float64), wrapped)


def test_phases_of_long_grids_lose_no_accuracy() -> None:
    n, position, row = 2**26 + 1, 2**25 + 4, 3
    angle = -2 * math.pi * float(Fraction(row * position % n, n))
    entry = dft(n, torch.tensor([position]), row + 1, torch.float64)[row, 0]
    assert abs(complex(entry) - complex(math.cos(angle), math.sin(angle))) < 1e-15


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dft_has_the_dtype_asked_for(dtype: torch.dtype) -> None:
    assert dft(8, torch.arange(3), 5, dtype).dtype == dtype.to_complex()


@pytest.mark.parametrize(("n", "first", "count"), [(40, -3, 17), (41, 5, 100), (8, 0, 8)])
def test_an_fft_is_the_product_with_the_matrix(n: int, first: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separable, "LONG", 0)
    positions, taps = torch.arange(first, first + count), torch.randn(2, count, 3, dtype=torch.float64)
    for rows in (n // 2 + 1, n):
        expected = transform(dft(n, positions, rows, torch.float64), taps)
        torch.testing.assert_close(separable.spectra(n, positions, rows, taps), expected)


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_an_fft_of_taps_on_a_line_is_the_product_with_its_matrix(stride: int, step: int) -> None:
    axis = Axis(-4, 6, grid=24, size=20, start=-3, step=step, stride=stride)
    taps = torch.randn(2, 11, 3, dtype=torch.float64)
    expected = transform(phases.fourier(axis, 13, 11, taps), taps)
    torch.testing.assert_close(phases.transform_line(axis, 13, taps), expected)


def test_phases_of_a_line_take_no_more_memory_than_their_spectra() -> None:
    axis = Axis(-500, 500, grid=400, size=400, stride=160)

    class Largest(TorchDispatchMode):
        numel = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **kwargs or {})
            self.numel = max(self.numel, result.numel() if isinstance(result, Tensor) else 0)
            return result

    with Largest() as seen:
        spectra = phases.transform_line(axis, 201, torch.randn(1, 1001, 4))
    assert spectra.shape == (1, 160 * 201, 4)
    assert seen.numel <= 160 * 400 * 4


@pytest.mark.parametrize("scales", [1, 2, 6])
@pytest.mark.parametrize("sizes", [(4,), (3, 2), (2, 3, 4)], ids=["1d", "2d", "3d"])
def test_combine_applies_one_matrix_per_axis(sizes: tuple[int, ...], scales: int) -> None:
    coefficients = torch.randn(6, 5, *sizes, dtype=torch.float64)
    matrices = [torch.randn(scales, 7 - k, k, dtype=torch.complex128) for k in sizes]
    expected = []
    for channel, own in enumerate(coefficients.to(torch.complex128)):
        for axis, matrix in enumerate(matrices, start=1):
            own = torch.tensordot(own, matrix[channel // (6 // scales)], ([1], [1]))  # the new axis comes last
            assert own.shape[-1] == 7 - sizes[axis - 1]
        expected.append(own)
    torch.testing.assert_close(combine(coefficients, matrices), torch.stack(expected))


def test_matrices_of_one_and_of_several_scales_combine() -> None:
    coefficients = torch.randn(4, 2, 3, 3)
    one, several = torch.randn(1, 5, 3), torch.randn(4, 5, 3)
    expected = combine(coefficients, [one.expand(4, 5, 3), several])
    torch.testing.assert_close(combine(coefficients, [one, several]), expected)


def test_memory_holds_frequencies_first_and_channels_last() -> None:
    spectrum = combine(torch.randn(4, 3, 5, 5), [torch.randn(2, 8, 5) + 0j, torch.randn(2, 5, 5) + 0j])
    assert spectrum.shape == (4, 3, 8, 5)
    assert spectrum.permute(2, 3, 0, 1).is_contiguous()
