"""`hermite`: derivatives of a Gaussian of learned width."""

import math
from fractions import Fraction

import torch
from torch import Tensor

from fourierconv.parameterizations.base import Parameterization, centre
from fourierconv.parameterizations.constants import constant


class Hermite(Parameterization):
    """w[t] = Σ_m θ_m He_m(x) exp(-x²/2) / √(σ Γ(m + ½)), x = (t - c)/σ: derivatives of orders 0, ..., kernel_size - 1.

    The scale is σ in pixels, c the middle of kernel_size taps; each derivative has energy 1 for σ of 1.5 or more.
    Sampled in space: the spectrum is the sum of the Gaussian's aliases, and continuous.

    Represents what is smooth at scale σ, random coefficients about 4σ wide: size and detail are bound to each other.
    Derivatives of one parity look ever more alike, so that coefficients of high orders are ill-conditioned (condition
    number 2, 5, 13, 38 for 3, 5, 7, 9 orders): a large σ with coefficients that cancel may stand for a small kernel,
    and σ may run away. Below σ = 1 samples miss the Gaussian, high orders most: at ½, the lower limit, energies are 0.1
    to 2 and the condition number of 7 orders is 5·10⁵. Cost: as for `scaled`, with windows of 5 to 8 σ to either side.
    Source: N-Jet (Pintea et al. 2021, arXiv 2106.03412), there with orders up to 3 in all; here every axis has
    kernel_size of them.

    >>> Hermite().taps(torch.tensor([-1, 0, 1]), 3, torch.ones(1))[0].T
    tensor([[ 0.4556,  0.7511,  0.4556],
            [-0.6443,  0.0000,  0.6443],
            [ 0.0000, -0.8673,  0.0000]])
    """

    name = "hermite"
    scale_limits = (0.5, 64.0)

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        sigma = scale.view(-1, 1)
        x = (positions.to(scale.dtype) - centre(kernel_size)) / sigma
        return derivatives(x, kernel_size) * sigma.rsqrt().unsqueeze(-1)

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        reach = _widths(kernel_size, max(tolerance, 1e-15), dims) * max(scale, 1.0) + 1
        return math.floor(centre(kernel_size) - reach), math.ceil(centre(kernel_size) + reach)

    def stretch(self, kernel_size: int, ratio: Fraction, scale: Tensor) -> tuple[Parameterization, Tensor]:
        same = torch.eye(kernel_size, dtype=scale.dtype, device=scale.device).unsqueeze(0)
        return self, same / math.sqrt(ratio)  # the other root is in 1/√σ


def derivatives(x: Tensor, orders: int) -> Tensor:
    """He_m(x) exp(-x²/2) / √Γ(m + ½) for m = 0, ..., orders - 1: of energy 1, (*x, orders).

    >>> derivatives(torch.tensor([0.0, 1.0]), 2)
    tensor([[0.7511, 0.0000],
            [0.4556, 0.6443]])
    """
    found = [(-x.square() / 2).exp() / math.pi**0.25]  # Γ(½) = √π
    for m in range(1, orders):  # He_m = x He_{m-1} - (m - 1) He_{m-2}, and Γ(m + ½) = (m - ½) Γ(m - ½)
        following = x * found[-1]
        if m > 1:
            following = following - (m - 1) / math.sqrt(m - 1.5) * found[-2]
        found.append(following / math.sqrt(m - 0.5))
    return torch.stack(found, -1)


@constant
def _widths(orders: int, tolerance: float, dims: int) -> float:
    """How many σ from the middle the dropped taps have an operator norm of at most tolerance times the kernel's.

    For σ of a pixel or more, sums over pixels are integrals from one pixel earlier. The dropped part is at most |θ|
    times the norm of ∫_{|x|>R} |h_m|, and the kernel at least |θ| times the root of the least eigenvalue of the mean of
    ĥ ĥᴴ over any frequencies, since no mean exceeds the largest value. In frequency h_m is
    √(2π) (-iω)^m exp(-ω²/2) / √Γ(m + ½).
    """
    frequency = torch.linspace(-1, 1, 1001, dtype=torch.float64) * (2 + math.sqrt(2 * orders))
    power = torch.arange(orders, dtype=torch.float64)
    norm = (math.log(2 * math.pi) - torch.lgamma(power + 0.5)).exp().sqrt()
    spectra = frequency.unsqueeze(1) ** power * (-frequency.square() / 2).exp().unsqueeze(1) * norm
    same = (power.unsqueeze(1) - power) % 2 == 0  # odd and even derivatives are a quarter turn apart
    least = torch.linalg.eigvalsh(torch.where(same, spectra.T @ spectra, 0) / len(spectra))[0].clamp(min=1e-30).sqrt()
    x = torch.linspace(0, 64, 6401, dtype=torch.float64)
    tails = 2 * 0.01 * derivatives(x, orders).abs().flip(0).cumsum(0).flip(0)
    held = tails.norm(dim=1) <= tolerance / (1.01 * dims) * least
    return float(x[held.to(torch.int64).argmax()])
