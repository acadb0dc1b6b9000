"""Spectra by FFT are those by Fourier matrices, to any derivative."""

import pytest
import torch
from torch import Tensor

from fourierconv import phases
from fourierconv.engines.taps import can_transform, transform
from fourierconv.grid import Axis, circular_axis, extended_axis, linear_axis, tiled
from fourierconv.separable import combine

AXES: dict[str, tuple[Axis, Axis]] = {
    "whole": (linear_axis(12, -2, 2, 12), linear_axis(9, 0, 3, 9, start=-1)),
    "dilated": (linear_axis(12, 0, 2, 8, step=2), linear_axis(9, 0, 3, 9, start=-3, step=2)),
    "tiled": (tiled(linear_axis(40, -2, 2, 40), 40, 9)[0], tiled(linear_axis(30, 0, 3, 30, start=-1), 30, 8)[0]),
    "circular": (circular_axis(12, 0, 4, 12, start=-2), circular_axis(9, 0, 3, 9, start=-1)),
    "longer than the circle": (circular_axis(4, 0, 8, 4, start=-4), circular_axis(3, 0, 6, 3, start=-3)),
    "extended": (extended_axis("reflect", 12, -2, 2, 12), extended_axis("replicate", 9, -3, 0, 9)),
}


def by_matrices(taps: Tensor, axes: tuple[Axis, ...], mirrored: bool) -> Tensor:
    rows = (*(axis.grid for axis in axes[:-1]), axes[-1].grid // 2 + 1)
    matrices = [
        phases.fourier(axis, n, axis.last - axis.first + 1, taps, mirrored).unsqueeze(0)
        for axis, n in zip(axes, rows, strict=True)
    ]
    return combine(taps, matrices)


def taps_of(axes: tuple[Axis, ...], out: int = 3) -> Tensor:
    spans = [axis.last - axis.first + 1 for axis in axes]
    return torch.randn(out, 2, *spans, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", AXES)
def test_both_ways_give_the_same_spectra_and_gradients(name: str, mirrored: bool) -> None:
    axes = AXES[name]
    assert can_transform(axes)
    taps = taps_of(axes)
    found, expected = transform(taps, axes, mirrored), by_matrices(taps, axes, mirrored)
    torch.testing.assert_close(found, expected)
    image = torch.randn(3, 2, *(axis.grid for axis in axes), dtype=torch.float64)
    along = torch.fft.rfft2(image)  # a gradient is the half spectrum of a real image
    gradients = [torch.autograd.grad(value, taps, along)[0] for value in (found, expected)]
    torch.testing.assert_close(*gradients)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch.func's own
@pytest.mark.parametrize("name", ["whole", "tiled"])
def test_derivatives_of_any_order_and_kind(name: str) -> None:
    axes = AXES[name]

    def energy(taps: Tensor) -> Tensor:
        return transform(taps, axes).abs().square()

    taps = taps_of(axes, out=1)
    assert torch.autograd.gradcheck(energy, taps, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(energy, taps)
    backward, forward = (jacobian(energy)(taps.detach()) for jacobian in (torch.func.jacrev, torch.func.jacfwd))
    torch.testing.assert_close(backward, forward)


def test_it_maps_over_batches_of_taps() -> None:
    axes = AXES["whole"]
    many = torch.stack([taps_of(axes).detach() for _ in range(3)])
    each = torch.stack([transform(taps, axes) for taps in many])
    torch.testing.assert_close(torch.func.vmap(lambda taps: transform(taps, axes))(many), each)


@pytest.mark.parametrize(
    "axis",
    [
        linear_axis(12, 0, 4, 6, stride=2),
        extended_axis("replicate", 4, -9, 9, 4),
        linear_axis(4, 9, 9, 4),
    ],
    ids=["phases", "folds", "no taps"],
)
def test_what_it_cannot_do_is_known(axis: Axis) -> None:
    assert not can_transform([axis])
