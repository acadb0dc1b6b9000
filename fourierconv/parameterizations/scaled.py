"""`scaled`: kernel_size coefficients at a learned, continuous spacing, joined by a compact profile."""

import math
from fractions import Fraction
from functools import partial

import torch
from torch import Tensor

from fourierconv.parameterizations.base import Parameterization, centre, origin
from fourierconv.remembered import remembered


class Scaled(Parameterization):
    """w[t] = Σ_j θ_j φ((t - s·j)/max(s, 1)) with j counted from the middle of the kernel, and φ Keys' cubic.

    The scale s is the spacing of the coefficients in pixels. φ interpolates, so spacing 1 is the classic kernel tap
    for tap. φ vanishes beyond 2, so the support is finite, 2·max(s, 1) pixels beyond the outer coefficients, and the
    spectrum is a trigonometric polynomial: continuous, and smoother in proportion as s is smaller. Below 1 the profile
    keeps its width and the coefficients move together.

    Represents, at scale s, what a classic kernel would on an image s times smaller; details finer than the spacing are
    out of reach. Continuously differentiable in s, but for s = 1, where the width stops following it; the gradient
    there is the one from above. Source of φ: Keys 1981, "Cubic convolution interpolation for digital image
    processing", a = -1/2.

    >>> Scaled().taps(torch.arange(-2, 3), 1, torch.tensor([2.0]))[0, :, 0]
    tensor([0.0000, 0.5625, 1.0000, 0.5625, 0.0000])
    """

    name = "scaled"
    scale_limits = (0.25, 64.0)

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        middle = centre(kernel_size)
        spacing = scale.view(-1, 1, 1)
        index = remembered(partial(_index, kernel_size, scale), scale, kernel_size, "from the middle", kernel_size)
        distance = positions.unsqueeze(-1).to(scale.dtype) - middle - spacing * index
        return keys(distance / spacing.clamp(min=1))

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        reach = scale * (kernel_size - 1) / 2 + 2 * max(scale, 1.0)
        middle = centre(kernel_size)
        # the profile is zero on the border of its support
        return math.floor(middle - reach) + 1, math.ceil(middle + reach) - 1

    def stretch(self, kernel_size: int, ratio: Fraction, scale: Tensor) -> tuple[Parameterization, Tensor]:
        # a profile sums to about its width, which does not follow the spacing below 1
        gain = scale.clamp(min=1) / (scale * float(ratio)).clamp(min=1)
        return self, gain.view(-1, 1, 1) * torch.eye(kernel_size, dtype=scale.dtype, device=scale.device)


def _index(kernel_size: int, like: Tensor) -> Tensor:
    """Of the coefficients, from the middle of the kernel, (kernel_size,)."""
    taps = torch.arange(kernel_size, device=like.device) - origin(kernel_size)
    return taps.to(like.dtype) - centre(kernel_size)


PIECES = (  # coefficients of 1, x, x² and x³ from 0 to 1, from 1 to 2, and beyond
    (1.0, 0.0, -2.5, 1.5),
    (2.0, -4.0, 2.5, -0.5),
    (0.0, 0.0, 0.0, 0.0),
)


def keys(x: Tensor) -> Tensor:
    """Keys' cubic convolution profile with a = -1/2: 1 at 0, 0 at every other integer and beyond 2.

    >>> keys(torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0]))
    tensor([ 1.0000,  0.5625,  0.0000, -0.0625,  0.0000,  0.0000])
    """
    x = x.abs()
    pieces = remembered(lambda: torch.tensor(PIECES, dtype=x.dtype, device=x.device), x, 12, "Keys' cubic")
    c0, c1, c2, c3 = pieces[(x >= 1).long() + (x >= 2)].unbind(-1)
    return c0 + c1 * x + c2 * x**2 + c3 * x**3
