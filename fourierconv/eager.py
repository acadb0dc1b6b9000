"""Whether torch runs what it is told, on tensors of its own, and nothing traces, maps or replaces it."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

_VMAP = torch._C._parse_dispatch_key("VmapMode") or "VmapMode"


def eager(*tensors: Tensor) -> bool:
    """Whether these are plain tensors, and neither compiler, torch.func, forward mode nor a dispatch mode is at work.

    The vmap of torch.autograd (`is_grads_batched`, `vectorize`) is not that of torch.func, and counts, too.

    >>> x = torch.ones(3)
    >>> eager(x), torch.func.vmap(lambda row: row * eager(row))(x)
    (True, tensor([0., 0., 0.]))
    """
    if torch.compiler.is_compiling() or not all(type(tensor) in (Tensor, nn.Parameter) for tensor in tensors):
        return False
    if torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0:
        return False
    return torch._C._len_torch_dispatch_stack() == 0 and not torch._C._dispatch_tls_is_dispatch_key_included(_VMAP)


def underneath(tensor: Tensor) -> Tensor:
    """The tensor that torch.func has wrapped, with all its batches.

    >>> torch.func.vmap(lambda row: row * underneath(row).numel())(torch.ones(3))
    tensor([3., 3., 3.])
    """
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


Function = TypeVar("Function", bound=Callable[..., object])


def constant_when_compiled(function: Function) -> Function:
    """torch.compiler.assume_constant_result, which would import the whole compiler along with this package.

    >>> constant_when_compiled(lambda: 3)()
    3
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
