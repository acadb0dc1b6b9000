"""Which optimizers notice that taps are stored as Fourier coefficients: training side by side."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv import FourierConv2d

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.02),
    "SGD, momentum 0.9": lambda parameters: torch.optim.SGD(parameters, lr=0.002, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
}
IN, OUT, KERNEL_SIZE, SIZE, BATCH = 3, 4, 5, 16, 8


def distances(optimizer: str, steps: int, seed: int) -> list[float]:
    """Train `spatial` and `spectral` from the same kernels on the same images, and compare their kernels.

    Both imitate one random teacher on white images; in float64, so that rounding stays out of sight.

    Args:
        optimizer: a key of `OPTIMIZERS`.
        steps: number of training steps.
        seed: of the kernels, the teacher and the images.

    Returns:
        ‖difference of the kernels‖ / ‖kernels‖ before training and after each step.

    >>> distances("SGD", steps=3, seed=0)[-1] < 1e-13
    True
    """
    first, second = (_train(name, optimizer, steps, seed) for name in ("spatial", "spectral"))
    return [float((a - b).norm() / a.norm()) for a, b in zip(first, second, strict=True)]


def _train(parameterization: str, optimizer: str, steps: int, seed: int) -> list[Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layer = FourierConv2d(
            IN,
            OUT,
            KERNEL_SIZE,
            padding="same",
            padding_mode="circular",
            bias=False,
            dtype=torch.float64,
            parameterization=parameterization,
        )
    generator = torch.Generator().manual_seed(seed)
    teacher = nn.Parameter(
        torch.randn(layer.coefficients.shape, dtype=torch.float64, generator=generator), requires_grad=False
    )
    update = OPTIMIZERS[optimizer](layer.parameters())
    kernels = [layer.kernel().detach()]
    for _ in range(steps):
        images = torch.randn(BATCH, IN, SIZE, SIZE, dtype=torch.float64, generator=generator)
        target = F.conv2d(F.pad(images, [KERNEL_SIZE // 2] * 4, mode="circular"), teacher)
        update.zero_grad()
        (layer(images) - target).square().mean().backward()
        update.step()
        kernels.append(layer.kernel().detach())
    return kernels
