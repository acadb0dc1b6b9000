"""`spline_open`: the predecessor's cubic spline through control points in frequency, of which the real part is kept."""

from fourierconv.parameterizations.bilinear import Bilinear
from fourierconv.parameterizations.cubic import open_cubic


class SplineOpen(Bilinear):
    """w = Re ifft(K θ Kᵀ) as in `bilinear`, K being the cubic spline through the control points, open at its ends.

    Between the first and the last frequency the spectrum is smooth; at DC, where the circle is cut open, it jumps. So
    it has the defects of `bilinear`: tails (about 11 % of a random kernel's energy lies outside 5×5 at n = 128, k = 5),
    kernels as even as there, another kernel on every grid. `spline` is the same idea without them.
    The original's spline matrices were not published, and their end conditions are unknown; this is the not-a-knot
    spline, the default of the numerical packages of the time. Source: 'spline' of mbhenaff/spectral-lib, the code of
    Henaff, Bruna, LeCun 2015 (arXiv 1506.05163).

    >>> import torch
    >>> SplineOpen.interpolate(torch.tensor([1.5]), 4)
    tensor([[-0.0625,  0.5625,  0.5625, -0.0625]])
    """

    name = "spline_open"
    interpolate = staticmethod(open_cubic)
