"""Layers that tests go through: every parameterization, the scaled ones at several scales; always float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fourierconv import FourierConv2d
from fourierconv.parameterizations import NAMES


@dataclass(frozen=True)
class LayerCase:
    """A parameterization, at a scale where it has one."""

    name: str
    scale: float | None = None

    def __str__(self) -> str:
        return self.name if self.scale is None else f"{self.name}-{self.scale}"

    def build(
        self, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], **kwargs: Any
    ) -> FourierConv2d:
        """A layer in float64 with random coefficients and, unless told otherwise, no bias."""
        if self.scale is not None:
            kwargs["scale"] = self.scale
        kwargs = {"bias": False, "dtype": torch.float64, **kwargs}
        return FourierConv2d(in_channels, out_channels, kernel_size, parameterization=self.name, **kwargs)


# 1.1, 1.5 and 2.5 are no multiples of each other or of a pixel; taps then meet the lattice everywhere
LAYERS = (
    LayerCase("spatial"),
    LayerCase("spectral"),
    LayerCase("spline"),
    *(LayerCase(name, scale) for name in ("window", "scaled") for scale in (1.1, 1.5, 2.5)),
)
assert {case.name for case in LAYERS} == set(NAMES)
