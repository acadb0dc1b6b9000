"""Layers at their first random draw: the same random taps for every parameterization and scale."""

from typing import Any

import torch

from fourierconv import FourierConv1d, FourierConv2d, parameterizations
from fourierconv.parameterizations.spacings import Positions


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
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return FourierConv2d(channels, channels, kernel_size, **_options(parameterization, scale))


def columns_of(parameterization: str, kernel_size: int, scale: float | None, seed: int = 0) -> FourierConv1d:
    """A layer along one axis whose kernels are those of the single coefficients, an output channel for each.

    Args:
        parameterization, kernel_size, scale: as above.
        seed: of what is random besides the coefficients: positions and networks.

    >>> columns_of("spatial", 3, None).kernel(3)[:, 0]
    tensor([[1., 0., 0.],
            [0., 1., 0.],
            [0., 0., 1.]], dtype=torch.float64, grad_fn=<SelectBackward0>)
    """
    number = parameterizations.get(parameterization).width(kernel_size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = FourierConv1d(1, number, kernel_size, **_options(parameterization, scale))
    layer.coefficients.data[:, 0] = torch.eye(number)
    return layer


def scatter(layer: FourierConv2d, seed: int) -> FourierConv2d:
    """A 'spacings' layer with its taps anywhere in the window, as training may leave them; they start in the middle.

    >>> layer = scatter(layer_of("spacings", 3, None, seed=0), seed=0)
    >>> bool(layer.coordinates.positions.abs().max() > 4)
    True
    """
    assert isinstance(layer.coordinates, Positions)
    generator = torch.Generator().manual_seed(seed)
    for positions, n in zip(layer.coordinates.positions.data, layer.coordinates.grid, strict=True):
        positions.uniform_(-(n // 2), n // 2, generator=generator)
    return layer


def _options(parameterization: str, scale: float | None) -> dict[str, Any]:
    learned = {} if scale is None else {"scale": scale}
    return {"parameterization": parameterization, "dtype": torch.float64, **learned}
