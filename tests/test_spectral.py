"""Equations (1), (2) and (3) on spectra, their derivatives, and half spectra of real kernels."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fourierconv import spectral
from fourierconv.engines.tiles import Tiles
from tests.measures import relative_error

GRIDS = ((6,), (7,), (8, 6), (5, 7), (8, 5), (1, 4), (3, 4, 5), (4, 3, 2))


def axes_of(grid: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(-len(grid), 0))


def real_spectrum(*shape: int, grid: tuple[int, ...]) -> Tensor:
    """Half spectrum of a random real kernel."""
    return torch.fft.rfftn(torch.randn(*shape, *grid, dtype=torch.float64), dim=axes_of(grid))


def direct(input: Tensor, spectrum: Tensor, grid: tuple[int, ...], size: tuple[int, ...], groups: int = 1) -> Tensor:
    """Equation (1) through torch.fft and its own derivatives."""
    images = torch.fft.rfftn(input, s=grid, dim=axes_of(grid))
    images = images.view(images.shape[0], groups, -1, *images.shape[2:])
    kernels = spectrum.view(groups, -1, *spectrum.shape[1:])
    product = torch.einsum("bgi...,goi...->bgo...", images, kernels.conj()).flatten(1, 2)
    output = torch.fft.irfftn(product, s=grid, dim=axes_of(grid))
    for axis, length in zip(axes_of(grid), size, strict=True):
        output = output.narrow(axis, 0, length)
    return output


def whole(input: Tensor, spectrum: Tensor, grid: tuple[int, ...], size: tuple[int, ...], groups: int = 1) -> Tensor:
    return spectral.correlate(input, spectrum, Tiles.whole(grid, size), size, groups)


def energy(values: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([value.abs().square().sum() for value in values]).sum()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_half_is_the_shape_that_a_real_fft_keeps(grid: tuple[int, ...]) -> None:
    assert spectral.half(grid) == torch.fft.rfftn(torch.zeros(grid)).shape


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_half_weights_restore_the_energy_of_the_full_spectrum(grid: tuple[int, ...]) -> None:
    kernel = torch.randn(grid, dtype=torch.float64)
    weights = spectral.half_weights(grid, torch.float64, kernel.device)
    energy = (weights * torch.fft.rfftn(kernel).abs().square()).sum()
    torch.testing.assert_close(energy, torch.fft.fftn(kernel).abs().square().sum())


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_spectra_of_real_kernels_are_hermitian_already(grid: tuple[int, ...]) -> None:
    spectrum = real_spectrum(3, 2, grid=grid)
    torch.testing.assert_close(spectral.hermitian(spectrum, grid), spectrum, rtol=0, atol=1e-13)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_hermitian_leaves_what_some_real_kernel_has(grid: tuple[int, ...]) -> None:
    wild = torch.randn(2, *spectral.half(grid), dtype=torch.complex128)
    held = spectral.hermitian(wild, grid)
    kernel = torch.fft.irfftn(held, s=grid, dim=axes_of(grid))
    torch.testing.assert_close(torch.fft.rfftn(kernel, dim=axes_of(grid)), held, rtol=0, atol=1e-12)
    assert not torch.allclose(held, wild)
    torch.testing.assert_close(spectral.hermitian(held, grid), held)


@pytest.mark.parametrize("groups", [1, 2, 4], ids=["dense", "grouped", "depthwise"])
@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_equations_1_to_3_and_their_derivatives(grid: tuple[int, ...], groups: int) -> None:
    image = tuple(max(n - 2, 1) for n in grid)
    size = tuple(max(n - 1, 1) for n in grid)
    x = torch.randn(3, 4, *image, dtype=torch.float64, requires_grad=True)
    spectrum = real_spectrum(8, 4 // groups, grid=grid).requires_grad_()
    along = torch.randn(3, 8, *size, dtype=torch.float64, requires_grad=True)
    outcomes = []
    for correlate in (whole, direct):
        output = correlate(x, spectrum, grid, size, groups)
        first = torch.autograd.grad(output, (x, spectrum), along, create_graph=True)
        second = torch.autograd.grad(energy(first), (x, spectrum, along), create_graph=True)
        third = torch.autograd.grad(energy(second), (x, spectrum, along))
        outcomes.append((output, *first, *second, *third))
    for ours, theirs in zip(*outcomes, strict=True):
        # both are gradients on the half spectrum: compare what a real change of the kernel sees of them
        ours, theirs = (spectral.hermitian(g, grid) if g.is_complex() else g for g in (ours, theirs))
        assert relative_error(ours, theirs) <= 1e-12


@pytest.mark.parametrize("grid", [(6,), (7,), (4, 6), (5, 4)], ids=str)
def test_the_gradient_counts_interior_columns_twice(grid: tuple[int, ...]) -> None:
    """dL/dŴ of L = <along, y> is Ĝᴴ X̂ times 2/∏N, or 1/∏N on the columns of DC and Nyquist."""
    x, along = (torch.randn(1, 1, *grid, dtype=torch.float64) for _ in range(2))
    spectrum = real_spectrum(1, 1, grid=grid).requires_grad_()
    (gradient,) = torch.autograd.grad(whole(x, spectrum, grid, grid), spectrum, along)
    points = x[0, 0].numel()
    interior = torch.fft.rfftn(along).conj() * torch.fft.rfftn(x) / points
    counts = torch.tensor([1.0 if f in (0, grid[-1] / 2) else 2.0 for f in range(grid[-1] // 2 + 1)])
    torch.testing.assert_close(gradient, interior * counts.double())


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("groups", [1, 2], ids=["dense", "grouped"])
def test_first_and_second_derivatives(check: Callable[..., bool], groups: int) -> None:
    grid, size = (4, 3), (3, 3)

    def correlate(x: Tensor, spectrum: Tensor) -> Tensor:
        return whole(x, spectral.hermitian(spectrum, grid), grid, size, groups)

    x = torch.randn(2, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    spectrum = torch.randn(2, 2 // groups, *spectral.half(grid), dtype=torch.complex128, requires_grad=True)
    assert check(correlate, (x, spectrum))


ONE_TILE = Tiles.whole((7, 6), (6, 4)).pack()


def operator_arguments(batch: int, groups: int) -> tuple[Tensor, Tensor, Tensor]:
    out = 4 if groups == 4 else 6
    x = torch.randn(batch, 4, 6, 5, dtype=torch.float64, requires_grad=True)
    spectrum = real_spectrum(out, 4 // groups, grid=(7, 6)).requires_grad_()
    return x, spectrum, torch.randn(batch, out, 6, 4, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("groups", [1, 2, 4], ids=["dense", "grouped", "depthwise"])
@pytest.mark.parametrize("batch", [2, 0])
@pytest.mark.parametrize("recompute", [False, True])
def test_the_forward_operator_is_a_proper_torch_operator(recompute: bool, batch: int, groups: int) -> None:
    """Schema, fake tensors, registered derivatives, and tracing with dynamic shapes."""
    x, spectrum, _ = operator_arguments(batch, groups)
    operands = (x, spectrum, ONE_TILE, [6, 4], groups, recompute, False)
    torch.library.opcheck(torch.ops.fourierconv.correlate.default, operands)


@pytest.mark.parametrize("groups", [2, 4], ids=["grouped", "depthwise"])
@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)], ids=str)
@pytest.mark.parametrize("recompute", [False, True])
def test_the_backward_operator_is_a_proper_torch_operator(
    recompute: bool, wanted: tuple[bool, bool], groups: int
) -> None:
    x, spectrum, along = operator_arguments(batch=2, groups=groups)
    images = torch.ops.fourierconv.correlate(x.detach(), spectrum.detach(), ONE_TILE, [6, 4], groups, recompute, False)[
        1
    ]
    operands = (along, x, spectrum, images, ONE_TILE, groups, False, *wanted)
    torch.library.opcheck(torch.ops.fourierconv.correlate_backward.default, operands)


@pytest.mark.parametrize("batch", [2, 0])
@pytest.mark.parametrize(("channels", "out"), [(1, 3), (3, 1)])
def test_the_operators_are_proper_ones_on_sequences_of_one_channel(channels: int, out: int, batch: int) -> None:
    tile = Tiles.whole((7,), (6,)).pack()
    x = torch.randn(batch, channels, 6, dtype=torch.float64, requires_grad=True)
    spectrum = torch.fft.rfft(torch.randn(out, channels, 7, dtype=torch.float64)).requires_grad_()
    torch.library.opcheck(torch.ops.fourierconv.correlate.default, (x, spectrum, tile, [6], 1, False, False))
    _, images = torch.ops.fourierconv.correlate(x.detach(), spectrum.detach(), tile, [6], 1, False, False)
    along = torch.randn(batch, out, 6, dtype=torch.float64, requires_grad=True)
    operands = (along, x, spectrum, images, tile, 1, False, True, True)
    torch.library.opcheck(torch.ops.fourierconv.correlate_backward.default, operands)
