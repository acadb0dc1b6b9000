"""Equations (1) to (3) written out with whole Fourier transforms, against autograd through torch's conv2d."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import engine, functional
from fourierconv.parameterizations.base import lattice, origin
from fourierconv.separable import combine, dft
from fourierconv.study.theory.residuals import relative_error


@dataclass(frozen=True)
class Step:
    """What one training step computes: the output, and the gradients of the images and of the taps."""

    y: Tensor  # (batch, out, n, n)
    grad_x: Tensor  # (batch, in, n, n)
    grad_w: Tensor  # (out, in, k, k)


def by_equations(
    x: Tensor,  # (batch, in, n, n)
    w: Tensor,  # (out, in, k, k)
    grad_y: Tensor,  # (batch, out, n, n)
) -> Step:
    """A circular training step by equations (1), (2) and (3), on whole spectra and without autograd.

    >>> x, w, g = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3), torch.randn(2, 4, 8, 8)
    >>> by_equations(x, w, g).grad_w.shape
    torch.Size([4, 3, 3, 3])
    """
    n, k = x.shape[-1], w.shape[-1]
    taps = lattice(-origin(k), k - 1 - origin(k))
    basis = dft(n, taps, n, w.dtype).unsqueeze(0)
    images, errors, kernels = torch.fft.fft2(x), torch.fft.fft2(grad_y), combine(w, [basis, basis])
    output = torch.einsum("gfab,sfab->sgab", kernels.conj(), images)  # (1)
    grad_images = torch.einsum("gfab,sgab->sfab", kernels, errors)  # (2)
    grad_kernels = torch.einsum("sgab,sfab->gfab", errors.conj(), images)  # (3)
    wrapped = torch.fft.ifft2(grad_kernels).real  # gradient of every tap on the grid; those of the kernel are kept
    kept = wrapped[..., (taps % n)[:, None], taps % n]
    return Step(torch.fft.ifft2(output).real, torch.fft.ifft2(grad_images).real, kept)


def by_conv2d(x: Tensor, w: Tensor, grad_y: Tensor) -> Step:
    """The same step by autograd through torch's conv2d on circularly padded images; the kernels' size is odd."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv2d(F.pad(x, [w.shape[-1] // 2] * 4, mode="circular"), w)
    return Step(y.detach(), *torch.autograd.grad(y, (x, w), grad_y))


def by_package(x: Tensor, w: Tensor, grad_y: Tensor) -> Step:
    """The same step by `fourierconv.functional.conv2d`, on half spectra."""
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    with engine("whole"):  # small images would go the direct way
        y = functional.conv2d(x, w, padding="same", padding_mode="circular")
        return Step(y.detach(), *torch.autograd.grad(y, (x, w), grad_y))


def step_errors(n: int, k: int, seed: int) -> list[dict[str, str | float]]:
    """Relative 2-norm errors of one training step against autograd through conv2d in float64.

    Args:
        n: side of the images, in pixels.
        k: odd number of taps per axis, at most n.
        seed: of images, kernels and dL/dy.

    Returns:
        One row per quantity of `Step`.

    >>> max(row["equations, float64"] for row in step_errors(8, 3, seed=0)) < 1e-14
    True
    """
    generator = torch.Generator().manual_seed(seed)
    shapes = (4, 3, n, n), (5, 3, k, k), (4, 5, n, n)
    x, w, grad_y = (torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes)
    expected = by_conv2d(x, w, grad_y)
    steps = {
        "equations, float64": by_equations(x, w, grad_y),
        "package, float64": by_package(x, w, grad_y),
        "package, float32": by_package(x.float(), w.float(), grad_y.float()),
        "conv2d, float32": by_conv2d(x.float(), w.float(), grad_y.float()),
    }
    names = {"(1) output y": "y", "(2) gradient ∂L/∂x": "grad_x", "(3) gradient ∂L/∂w": "grad_w"}
    return [
        {
            "quantity": label,
            **{way: relative_error(getattr(step, name), getattr(expected, name)) for way, step in steps.items()},
        }
        for label, name in names.items()
    ]


def half_spectrum_factors(n: int, seed: int) -> list[float]:
    """What a stored half spectrum's gradient carries, column by column, measured with torch's autograd.

    The gradient of Σ g·y, where y = irfft(conj(Ŵ) X̂) with torch's own transforms, is divided by equation (3) and
    multiplied by the number of grid points.

    Args:
        n: side of the grid.
        seed: of image, spectrum and g.

    Returns:
        One factor per column m = 0, ..., n//2.

    >>> [round(factor, 6) for factor in half_spectrum_factors(6, seed=0)]
    [1.0, 2.0, 2.0, 1.0]
    """
    generator = torch.Generator().manual_seed(seed)
    x, w, grad_y = (torch.randn(n, n, dtype=torch.float64, generator=generator) for _ in range(3))
    spectrum = torch.fft.rfft2(w).requires_grad_()
    y = torch.fft.irfft2(spectrum.conj() * torch.fft.rfft2(x), s=(n, n))
    (gradient,) = torch.autograd.grad(y, spectrum, grad_y)
    equation = torch.fft.rfft2(grad_y).conj() * torch.fft.rfft2(x)  # (3)
    ratio = (gradient * equation.conj()).real.sum(0) / equation.abs().square().sum(0)
    return (ratio * n * n).tolist()


def factor_rows(sizes: Sequence[int], seed: int) -> list[dict[str, str]]:
    """`half_spectrum_factors` of several grids, one row per grid, as text: shorter grids have fewer columns.

    >>> factor_rows([4, 3], seed=0)[1]
    {'grid': '3×3', 'm = 0': '1.000', 'm = 1': '2.000', 'm = 2': ''}
    """
    columns = [f"m = {m}" for m in range(max(sizes) // 2 + 1)]
    rows = []
    for n in sizes:
        factors = [f"{factor:.3f}" for factor in half_spectrum_factors(n, seed)]
        rows.append({"grid": f"{n}×{n}", **dict(zip_longest(columns, factors, fillvalue=""))})
    return rows
