"""The contenders: what stands in place of a convolution layer while everything else stays the same."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from fourierconv import FourierConv2d

# Kernels of 'spline' and 'dyadic' never end; cut here, they pay for a margin of about their classic size.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Method:
    """A way to make a layer's kernels.

    Attributes:
        name: 'conv2d' for torch's own layer, else a parameterization.
        kernel_size: coefficients per axis.
        scale_per: 'layer', 'channel' or a number of groups of output channels where a size is learned, else None.
        scale: initial scale, or the first and the last of log-spaced ones, in pixels.
        window: initial width, or widths, of a Gaussian window over the kernels, in pixels; None for no such window.
        reference_grid: pixels per axis of the kernels of parameterizations that keep weights on a grid of their own.
        even: whether spectra are held real, which leaves the kernels that are their own point reflection.
    """

    name: str
    kernel_size: int
    scale_per: str | int | None = None
    scale: float | tuple[float, float] = 1.0
    window: float | tuple[float, float] | None = None
    reference_grid: int | None = None
    even: bool = False

    def layer(
        self, in_channels: int, out_channels: int, padding_mode: str, stride: int = 1, bias: bool = False
    ) -> nn.Module:
        """A layer whose output has the size of its input, divided by the stride and rounded up.

        >>> METHODS["spline"].layer(1, 8, "zeros").parameterization
        'spline'
        >>> METHODS["scaled_layer"].layer(1, 8, "zeros", stride=2)(torch.zeros(1, 1, 9, 9)).shape
        torch.Size([1, 8, 5, 5])
        """
        padding = "same" if stride == 1 else self.kernel_size // 2
        common: dict[str, Any] = {"padding": padding, "stride": stride, "bias": bias, "padding_mode": padding_mode}
        if self.name == "conv2d":
            return nn.Conv2d(in_channels, out_channels, self.kernel_size, **common)
        if self.scale_per is not None:
            common |= {"scale": self.scale, "scale_per": self.scale_per, "window": self.window}
        layer = FourierConv2d(
            in_channels,
            out_channels,
            self.kernel_size,
            parameterization=self.name,
            reference_grid=self.reference_grid,
            tolerance=TOLERANCE,
            **common,
        )
        if self.even:
            parametrize.register_parametrization(layer, "coefficients", Even(self.kernel_size))
        return layer


class Even(nn.Module):
    """Keeps of real DFT coefficients (..., k, k) those whose kernels are even, w[-t] = w[t]: their spectra are real.

    They are products of two cosines or of two sines. They are enlarged so that white coefficients give kernels of the
    same mean energy.

    >>> Even(3)(torch.ones(3, 3))
    tensor([[1.3416, 1.3416, 0.0000],
            [1.3416, 1.3416, 0.0000],
            [0.0000, 0.0000, 1.3416]])
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        sine = torch.arange(kernel_size) % 2 == 0  # after the constant, cosines and sines take turns
        sine[0] = False
        kept = sine == sine.unsqueeze(1)
        self.register_buffer("mask", kept * math.sqrt(kept.numel() / int(kept.sum())), persistent=False)

    def forward(self, coefficients: Tensor) -> Tensor:
        """(..., k, k) -> (..., k, k)."""
        mask = self.get_buffer("mask")
        return coefficients * mask.to(coefficients.dtype)


CHANNELS = (1.0, 8.0)  # pixels: where scales per channel start, log-spaced
SUPPORT = 31  # pixels per axis: the largest fixed kernel

METHODS: dict[str, Method] = {
    # fixed kernels; 'spatial' computes the same numbers as torch's own layer, and large kernels faster
    "conv2d_3": Method("conv2d", 3),
    "conv2d_5": Method("conv2d", 5),
    **{f"conv2d_{k}": Method("spatial", k) for k in (7, 9, 11, 15, 21, 31)},
    # their taps in Fourier coordinates; 'free' on 5×5 frequencies would be 'spectral'
    "spectral": Method("spectral", 5),
    "free_21": Method("free", 21),
    # smooth or sparse spectra of 25 coefficients; from the predecessor's to the periodic one, a defect at a time:
    # linear, then cubic; not periodic, then periodic; real, then complex
    "bilinear": Method("bilinear", 5),
    "spline_open": Method("spline_open", 5),
    "spline_even": Method("spline", 5, even=True),
    "spline": Method("spline", 5),
    "dyadic": Method("dyadic", 5),
    "dyadic_7": Method("dyadic", 7),
    "truncated": Method("truncated", 5),
    # one learned spacing per layer, per channel, per quarter of the channels
    "scaled_layer": Method("scaled", 5, "layer"),
    "scaled_channel": Method("scaled", 5, "channel", CHANNELS),
    "scaled_group": Method("scaled", 5, 4, CHANNELS),
    "scaled_layer_7": Method("scaled", 7, "layer"),
    "scaled_channel_7": Method("scaled", 7, "channel", CHANNELS),
    # a learned Gaussian window, the draft's mechanism; over 31×31 it contains every fixed kernel
    "window_5": Method("window", 5, "layer", 2.0),
    "window": Method("window", 21, "layer", 2.0),
    "window_31": Method("window", SUPPORT, "layer", 2.0),
    "window_31_channel": Method("window", SUPPORT, "channel", CHANNELS),
    "free_window": Method("free", 21, "layer", window=2.0),
    "spline_window": Method("spline", 5, "layer", window=2.0),
    # learned sizes of the field: N-Jet, DCLS, NIFF, FlexConv
    "hermite": Method("hermite", 5, "layer"),
    "hermite_channel": Method("hermite", 5, "channel", CHANNELS),
    "spacings": Method("spacings", 5, reference_grid=SUPPORT),
    "implicit": Method("implicit", 5, reference_grid=SUPPORT),
    "implicit_window": Method("implicit", 5, "layer", window=2.0, reference_grid=SUPPORT),
}


def get(name: str) -> Method:
    """The contender of that name.

    Raises:
        ValueError: an unknown name; the message lists the known ones.

    >>> get("window").kernel_size
    21
    """
    if name not in METHODS:
        raise ValueError(f"method {name!r} is unknown; choose from {', '.join(METHODS)}")
    return METHODS[name]
