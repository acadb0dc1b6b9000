"""Whether torch runs what it is told, on tensors of its own, and nothing traces, maps or replaces it."""

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad


def eager(*tensors: Tensor) -> bool:
    """Whether these are plain tensors, and neither compiler, torch.func, forward mode nor a dispatch mode is at work.

    >>> x = torch.ones(3)
    >>> eager(x), torch.func.vmap(lambda row: row * eager(row))(x)
    (True, tensor([0., 0., 0.]))
    """
    if torch.compiler.is_compiling() or not all(type(tensor) in (Tensor, nn.Parameter) for tensor in tensors):
        return False
    if torch._C._functorch.peek_interpreter_stack() is not None or forward_ad._current_level >= 0:
        return False
    return torch._C._len_torch_dispatch_stack() == 0
