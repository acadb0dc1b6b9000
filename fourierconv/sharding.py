"""Parameters that torch.distributed has split between processes: FSDP gives them back whole in a forward pass only.

Every process has to take part in reading one. What a single process may call, repr, leaves them alone.
"""

from typing import TYPE_CHECKING, TypeGuard

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


def is_sharded(parameter: Tensor) -> "TypeGuard[DTensor]":
    """Whether a process holds but a part of it; not every torch has the class to ask for.

    >>> is_sharded(torch.ones(3))
    False
    """
    return hasattr(parameter, "full_tensor")


def whole(parameter: Tensor) -> Tensor:
    """All of a parameter.

    >>> whole(torch.ones(3))
    tensor([1., 1., 1.])
    """
    return parameter.full_tensor() if is_sharded(parameter) else parameter


@torch.no_grad()
def assign(parameter: Tensor, value: Tensor) -> None:
    """Set a parameter to a value that every process has as a whole."""
    if is_sharded(parameter):
        from torch.distributed.tensor import distribute_tensor

        value = distribute_tensor(value, parameter.device_mesh, parameter.placements)
    parameter.copy_(value)
