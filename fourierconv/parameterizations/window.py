"""`window`: taps under a Gaussian window of learned width, which is a spectrum smoothed by a learned amount."""

from torch import Tensor

from fourierconv.parameterizations.base import gaussian
from fourierconv.parameterizations.spatial import Spatial


class Window(Spatial):
    """w[t] = θ[t]·exp(-|t - c|²/2σ²), the scale being σ in pixels and c the middle of the taps.

    Multiplying the kernel by a Gaussian of width σ smooths its spectrum with a Gaussian of width 1/(2πσ) cycles per
    pixel: the draft's mechanism, "modulating the smoothness of the kernel weights in the frequency domain". FlexConv's
    mask (Romero et al. 2022, arXiv 2110.08059) is such a window, whose middle is learned as well.

    Represents every kernel of kernel_size taps in principle; what the window suppresses costs large coefficients.
    It can shrink a kernel and never make it larger than kernel_size, where the window is flat and σ has no gradient.

    >>> import torch
    >>> Window().taps(torch.tensor([0, 1]), 3, torch.tensor([1.0]))[0].diagonal(1)
    tensor([1.0000, 0.6065])
    """

    name = "window"
    scale_limits = (0.2, 64.0)

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        return self.envelope(positions, kernel_size, scale).unsqueeze(-1) * super().taps(positions, kernel_size, scale)

    def envelope(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        return gaussian(positions, kernel_size, scale)
