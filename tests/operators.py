"""Layers and convolutions as linear operators on images of one size: their matrices, and images that tell two apart."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

Operator = Callable[[Tensor], Tensor]


def dense(operator: Operator, channels: int, size: Sequence[int]) -> Tensor:
    """The matrix of a linear operator, (out · pixels, channels · pixels), in float64: its outputs for unit vectors.

    >>> dense(lambda images: 2 * images, 1, (2,))
    tensor([[2., 0.],
            [0., 2.]], dtype=torch.float64)
    """
    inputs = channels * math.prod(size)
    with torch.no_grad():
        return operator(torch.eye(inputs, dtype=torch.float64).view(inputs, channels, *size)).flatten(1).T


def norm(matrix: Tensor) -> float:
    """Its largest singular value."""
    return float(torch.linalg.matrix_norm(matrix, 2))


def amplification(operator: Operator, channels: int, size: Sequence[int], steps: int = 60) -> float:
    """‖operator(x)‖ / ‖x‖ of the image that power iteration ends with: a bound on the norm from below.

    >>> round(amplification(lambda images: 2 * images, 1, (8,)), 6)
    2.0
    """
    x = torch.randn(1, channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        x = (x / x.norm()).requires_grad_()
        y = operator(x)
        (x,) = torch.autograd.grad(y, x, y.detach())
        if not x.any():
            return 0.0
    return float(y.detach().norm())


def takes(conv: nn.Conv1d | nn.Conv2d | nn.Conv3d, size: Sequence[int]) -> bool:
    """Whether a convolution accepts images of a size: its kernel and its padding fit.

    >>> takes(nn.Conv1d(1, 1, 3, padding=3, padding_mode="reflect"), (3,))
    False
    """
    pixels = conv._reversed_padding_repeated_twice
    pairs = list(zip(pixels[::2], pixels[1::2], strict=True))[::-1]
    spare = {"circular": 0, "reflect": 1}.get(conv.padding_mode)
    return all(
        n + sum(pair) > d * (k - 1) and (spare is None or max(pair) <= n - spare)
        for n, pair, k, d in zip(size, pairs, conv.kernel_size, conv.dilation, strict=True)
    )
