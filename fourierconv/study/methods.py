"""The contenders: what stands in place of a convolution layer while everything else stays the same."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from fourierconv import FourierConv2d

# 'spline' is the only contender whose kernels never end; cut here, it pays for a margin of about its classic size.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Method:
    """A way to make a layer's kernels.

    Attributes:
        name: 'conv2d' for torch's own layer, else a parameterization.
        kernel_size: coefficients per axis.
        scale_per: 'layer' or 'channel' where a scale is learned, else None.
        scale: initial scale, or the first and the last of log-spaced ones, in pixels.
    """

    name: str
    kernel_size: int
    scale_per: str | None = None
    scale: float | tuple[float, float] = 1.0

    def layer(self, in_channels: int, out_channels: int, padding_mode: str) -> nn.Module:
        """A layer without bias whose output has the size of its input.

        >>> METHODS["spline"].layer(1, 8, "zeros").parameterization
        'spline'
        """
        common: dict[str, Any] = {"padding": "same", "bias": False, "padding_mode": padding_mode}
        if self.name == "conv2d":
            return nn.Conv2d(in_channels, out_channels, self.kernel_size, **common)
        if self.scale_per is not None:
            common |= {"scale": self.scale, "scale_per": self.scale_per}
        return FourierConv2d(
            in_channels,
            out_channels,
            self.kernel_size,
            parameterization=self.name,
            tolerance=TOLERANCE,
            **common,
        )


# 'spatial' computes conv2d 11×11: the same numbers, and on large kernels faster than torch's own layer.
METHODS: dict[str, Method] = {
    "conv2d_5": Method("conv2d", 5),
    "conv2d_11": Method("spatial", 11),
    "spectral": Method("spectral", 5),
    "spline": Method("spline", 5),
    "window": Method("window", 21, "layer", 2.0),
    "scaled_layer": Method("scaled", 5, "layer"),
    "scaled_channel": Method("scaled", 5, "channel", (1.0, 8.0)),
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
