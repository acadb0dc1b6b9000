"""Layers at their first random draw: the same random taps for every parameterization and scale."""

from typing import Any

import torch

from fourierconv import FourierConv2d


def layer_of(
    parameterization: str, kernel_size: int, scale: float | None, seed: int, channels: int = 1
) -> FourierConv2d:
    """A layer of `channels` to as many, in float64.

    Args:
        parameterization: its name.
        kernel_size: coefficients per axis.
        scale: in pixels, None where there is none to learn.
        seed: of the taps that `nn.Conv2d` would draw.
        channels: one kernel for every pair of them.

    >>> a, b = (layer_of(name, 3, None, seed=0) for name in ("spatial", "spectral"))
    >>> torch.allclose(a.kernel(), b.kernel())
    True
    """
    learned: dict[str, Any] = {} if scale is None else {"scale": scale}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return FourierConv2d(
            channels, channels, kernel_size, parameterization=parameterization, dtype=torch.float64, **learned
        )
