"""How large a layer's first outputs are, beside nn.Conv2d's, on white images and on images with a 1/f spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fourierconv import FourierConv2d
from fourierconv.study.data.clouds import cloud

IN, SIZE, BATCH = 32, 64, 2
COMMON: dict[str, Any] = {"padding": "same", "padding_mode": "circular", "bias": False}


@dataclass(frozen=True)
class Case:
    """A layer at the start of training.

    Attributes:
        parameterization: its name.
        kernel_size: coefficients per axis.
        scale: initial scale in pixels, two numbers for log-spaced ones per channel; None where there is none.
    """

    parameterization: str
    kernel_size: int
    scale: float | tuple[float, float] | None = None

    def layer(self, channels: int) -> FourierConv2d:
        """The layer, 32 channels to `channels`, circular and without bias.

        >>> Case("window", 21, 2.0).layer(4).scale.item()
        2.0
        """
        learned: dict[str, Any] = {} if self.scale is None else {"scale": self.scale}
        if isinstance(self.scale, tuple):
            learned["scale_per"] = "channel"
        return FourierConv2d(
            IN, channels, self.kernel_size, parameterization=self.parameterization, **learned, **COMMON
        )


CASES = (
    Case("spatial", 5),
    Case("spatial", 11),
    Case("spectral", 5),
    Case("spline", 5),
    Case("dyadic", 9),
    Case("window", 21, 2.0),
    Case("window", 21, 4.0),
    *(Case("scaled", 5, scale) for scale in (0.5, 1.0, 2.0, 4.0, 8.0)),
    Case("scaled", 5, (1.0, 8.0)),
    Case("hermite", 5, 1.0),
    Case("hermite", 5, 4.0),
    *(Case(name, 5) for name in ("truncated", "bilinear", "spline_open", "spacings", "implicit")),
)


def variance_ratios(cases: Sequence[Case], channels: int, seed: int) -> list[dict[str, object]]:
    """Variance of the first outputs relative to nn.Conv2d 5×5's.

    Args:
        cases: the layers.
        channels: output channels to average over.
        seed: of kernels and images.

    Returns:
        Per case the mean extent of the kernels in pixels, and the ratio on white images and on periodic 1/f clouds of
        64 pixels, both of mean 0 and variance 1.

    >>> variance_ratios([Case("spatial", 5)], channels=4, seed=0)[0]["white"]
    1.0
    """
    images = _images(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        reference = _variances(nn.Conv2d(IN, channels, 5, **COMMON), images)
        rows: list[dict[str, object]] = []
        for case in cases:
            torch.manual_seed(seed)
            layer = case.layer(channels)
            ratios = {kind: v / reference[kind] for kind, v in _variances(layer, images).items()}
            scale = case.scale
            rows.append(
                {
                    "parameterization": case.parameterization,
                    "k": case.kernel_size,
                    "scale": "–" if scale is None else "–".join(f"{s:g}" for s in np.atleast_1d(scale)),
                    "mean extent": float(layer.extent().mean()),
                    **{kind: round(ratio, 4) for kind, ratio in ratios.items()},
                }
            )
    return rows


def _images(seed: int) -> dict[str, Tensor]:
    rng = np.random.default_rng(seed)
    shape = (BATCH, IN, SIZE, SIZE)
    clouds = np.stack([cloud(rng, SIZE) for _ in range(BATCH * IN)]).reshape(shape)
    kinds = {"white": rng.standard_normal(shape), "1/f": clouds / clouds.std()}
    return {kind: torch.from_numpy(values).float() for kind, values in kinds.items()}


@torch.no_grad()
def _variances(layer: nn.Module, images: dict[str, Tensor]) -> dict[str, float]:
    return {kind: float(layer(x).square().mean()) for kind, x in images.items()}
