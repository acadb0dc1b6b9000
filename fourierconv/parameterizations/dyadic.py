"""`dyadic`: a periodic cubic spline with control points at dyadic frequencies, so one kernel holds several scales."""

import torch
from torch import Tensor

from fourierconv.parameterizations.spline import Spline


class Dyadic(Spline):
    """Ŵ(u) = Σ_m c_m L_m(u) with control points at 0 and, from one to the next, at half the frequency: ..., ¼f, ½f, f.

    The highest frequency f is ⅓ for an odd kernel_size, and ½ for an even one; every second coefficient more halves the
    lowest. L_m is the periodic cubic spline that is 1 at control point m and 0 at the others. Where the control points
    are close, near DC, the spectrum may vary quickly: there the kernel is large in space. At high frequencies it can
    only vary slowly: fine detail stays near the origin. This is the draft's "multiscale": kernel_size k reaches about
    3·√2^(k - 3) pixels, 6 for k = 5, 24 for k = 9, 96 for k = 13, with k coefficients per axis. Up to k = 4 it is
    `spline`.

    Represents kernels that are coarse where they are large; fine detail far from the origin is out of reach, and so is
    a large kernel without low frequencies. In 2D control points are pairs of those of the axes, so a spectrum may vary
    quickly along an axis near that axis' DC only. There is no learned scale: all scales are there, and training weighs
    them. Its taps fall like t⁻⁴, from where the largest scale ends: in 2D at k = 7 the window for 1e-3 in operator norm
    is 131 taps per axis, that of `spline` 77. Source: 'dyadic_spline' of the predecessor's code (Henaff, Bruna, LeCun
    2015, arXiv 1506.05163), whose matrices were not published; here periodic and Hermitian.

    >>> Dyadic().knots(7).mul(12).round().int().tolist()  # twelfths
    [0, 1, 2, 4, 8, 10, 11]
    """

    name = "dyadic"

    def knots(self, kernel_size: int, device: torch.device | None = None) -> Tensor:
        pairs = (kernel_size - 1) // 2
        highest = 1 / 3 if kernel_size % 2 else 1 / 4  # of those that come in pairs
        halvings = torch.arange(pairs, dtype=torch.float64, device=device)
        falling = highest * torch.exp2(-halvings)
        nyquist = torch.full((1 - kernel_size % 2,), 0.5, dtype=torch.float64, device=device)
        return torch.cat([nyquist.new_zeros(1), falling.flip(0), nyquist, 1 - falling])
