"""How large a kernel is in space, and how rough its spectrum: read from its taps.

`axis_energies`, `rms_radius` and `spectral_roughness` take kernels as a layer's `kernel` returns them, (..., *size),
whose origin is the tap (size - 1)//2 of each axis; `mass_curve` and `extent` take energies as `axis_energies` returns
them. All count pixels from the origin.
"""

import math
from numbers import Real

import torch
from torch import Tensor

from fourierconv.sums import running_sum


def axis_energies(kernel: Tensor, dims: int) -> tuple[Tensor, ...]:
    """Energy Σ w² of every slice across each axis.

    Args:
        kernel: taps, (..., *size) with `dims` spatial axes.
        dims: number of spatial axes.

    Returns:
        Per axis, (..., size of that axis).

    >>> [e.tolist() for e in axis_energies(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), 2)]
    [[5.0, 1.0], [1.0, 5.0]]
    """
    axes = range(-dims, 0)
    energy = kernel.square()
    return tuple(energy.sum([other for other in axes if other != axis]) if dims > 1 else energy for axis in axes)


def mass_curve(energy: Tensor) -> Tensor:
    """Share of the energy inside the centred windows of 1, 3, 5, ... pixels.

    Args:
        energy: energy of the slices along one axis, (..., size), its origin at (size - 1)//2.

    Returns:
        (..., size//2 + 1), non-decreasing, the last one 1; 0 throughout for a zero kernel.

    >>> mass_curve(torch.tensor([1.0, 2.0, 1.0]))
    tensor([0.5000, 1.0000])
    """
    size = energy.shape[-1]
    origin = (size - 1) // 2
    shells = energy[..., origin:].clone()
    shells[..., 1 : origin + 1] += energy[..., :origin].flip(-1)
    inside = running_sum(shells, -1)
    total = inside[..., -1:]  # not a sum of its own, which would round differently
    return inside / total.where(total > 0, torch.ones_like(total))


def extent(energy: Tensor, mass: float = 0.95) -> Tensor:
    """Side of the centred window that holds a share `mass` of the energy along one axis, in pixels.

    The mass curve is interpolated linearly between odd windows; a single tap at the origin has extent 1, a zero kernel
    0, and one with taps that are NaN or Inf NaN.

    Args:
        energy: energy of the slices along one axis, (..., size), its origin at (size - 1)//2.
        mass: share of the energy, 0 < mass <= 1.

    Returns:
        (...,), float pixels.

    Raises:
        ValueError: a mass outside (0, 1].

    >>> extent(torch.ones(5), 0.8), extent(torch.tensor([0.0, 3.0, 0.0]))
    (tensor(4.), tensor(1.))
    """
    if not (isinstance(mass, Real) and 0 < mass <= 1):
        raise ValueError(f"mass={mass!r} must be a share of the energy, above 0 and at most 1")
    curve = mass_curve(energy)
    reached = (curve >= mass - 1e-12).to(torch.int64)
    index = reached.argmax(-1, keepdim=True)
    index = torch.where(reached.any(-1, keepdim=True), index, curve.shape[-1] - 1)
    outer = curve.gather(-1, index)
    inner = curve.gather(-1, (index - 1).clamp(min=0))
    step = torch.where(outer > inner, (mass - inner) / (outer - inner), torch.ones_like(outer))
    side = torch.where(index == 0, torch.ones_like(outer), 2 * index - 1 + 2 * step)
    total = curve[..., -1:]  # 1, 0 for a zero kernel, or NaN
    return torch.where(total > 0, side, total).squeeze(-1)


def rms_radius(kernel: Tensor, dims: int) -> Tensor:
    """Root mean square distance of the energy from the origin, √(Σ|t|²w² / Σw²), in pixels; 0 for a zero kernel.

    Args:
        kernel: taps, (..., *size) with `dims` spatial axes.
        dims: number of spatial axes.

    Returns:
        (...,)

    >>> rms_radius(torch.tensor([1.0, 0.0, 1.0]), 1)
    tensor(1.)
    """
    return _mean_square(kernel, dims).sqrt()


def _mean_square(kernel: Tensor, dims: int) -> Tensor:
    """Mean square distance of the energy from the origin, in pixels²; unlike its root it has a gradient at 0."""
    moment = torch.zeros((), dtype=kernel.dtype, device=kernel.device)
    for energy in axis_energies(kernel, dims):
        size = energy.shape[-1]
        position = torch.arange(size, dtype=kernel.dtype, device=kernel.device) - (size - 1) // 2
        moment = moment + (energy * position.square()).sum(-1)
    total = energy.sum(-1)
    return moment / total.where(total > 0, torch.ones_like(total))


def spectral_roughness(kernel: Tensor, dims: int) -> Tensor:
    """How fast the spectrum varies: ∫|∇Ŵ|² du / ∫|Ŵ|² du, in pixels².

    Differentiating in frequency multiplies taps by -2πi t, so by Parseval this is (2π · rms_radius)²: a small
    kernel is a smooth spectrum, exactly.

    Args:
        kernel: taps, (..., *size) with `dims` spatial axes.
        dims: number of spatial axes.

    Returns:
        (...,)

    >>> spectral_roughness(torch.tensor([0.0, 1.0, 0.0]), 1)
    tensor(0.)
    """
    return (2 * math.pi) ** 2 * _mean_square(kernel, dims)
