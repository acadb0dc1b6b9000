"""Well-known small kernels, for the notebook on smoothness."""

import torch
from torch import Tensor


def examples() -> dict[str, Tensor]:
    """Kernels of odd size by name, each (k, k) float64, the origin in the middle.

    >>> {name: kernel.shape[0] for name, kernel in examples().items()}["Laplacian 3×3"]
    3
    """
    binomial = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    rows = {
        "identity": torch.ones(1, 1),
        "mean 3×3": torch.ones(3, 3),
        "mean 5×5": torch.ones(5, 5),
        "mean 11×11": torch.ones(11, 11),
        "binomial 5×5": torch.outer(binomial, binomial),
        "Sobel 3×3": torch.outer(torch.tensor([1.0, 2.0, 1.0]), torch.tensor([-1.0, 0.0, 1.0])),
        "Laplacian 3×3": torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]),
    }
    return {name: kernel.to(torch.float64) for name, kernel in rows.items()}


def random_kernels(count: int, k: int, seed: int, zero_mean: bool = False) -> Tensor:
    """Kernels of independent normal taps, (count, k, k) float64; with `zero_mean` the mean of each is taken off.

    >>> random_kernels(4, 3, seed=0, zero_mean=True).sum((1, 2)).abs().max() < 1e-12
    tensor(True)
    """
    generator = torch.Generator().manual_seed(seed)
    kernels = torch.randn(count, k, k, dtype=torch.float64, generator=generator)
    return kernels - kernels.mean((1, 2), keepdim=True) if zero_mean else kernels
