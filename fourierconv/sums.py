"""Running sums, whatever torch is asked for."""

from itertools import accumulate

import torch
from torch import Tensor


def running_sum(values: Tensor, axis: int) -> Tensor:
    """`torch.cumsum`; term by term where torch refuses that: on CUDA, when deterministic algorithms are asked for.

    >>> running_sum(torch.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """
    if _refused(values) and values.shape[axis] > 0:
        return torch.stack(list(accumulate(values.unbind(axis))), axis)
    return values.cumsum(axis)


def _refused(values: Tensor) -> bool:
    return values.is_cuda and torch.are_deterministic_algorithms_enabled()
