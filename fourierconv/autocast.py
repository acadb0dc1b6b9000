"""torch.autocast: the caller gets its dtypes, spectra stay float32."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, cast

import torch
from torch import Tensor
from torch.amp import is_autocast_available as available

from fourierconv.eager import Function

# As compiled code can see it: what answers for a device is a builtin that torch.compile of torch 2.11 does not trace.
AVAILABLE = frozenset(kind for kind in ("cpu", "cuda", "mps", "xpu", "hpu", "mtia", "maia") if available(kind))


def beyond_autocast(work: Callable[..., Tensor], *tensors: Tensor | None, dtype: torch.dtype = torch.float32) -> Tensor:
    """work(*tensors) out of the reach of torch.autocast, with the dtypes that torch's own convolutions take and give.

    Autocast would round spectra to 8 or 11 bits. Its tensors, float32 and lower ones in any mixture, are cast to
    `dtype` instead, and the output to autocast's dtype. As autocast does, this leaves float64 alone.

    Args:
        work: takes the tensors, and returns one.
        tensors: the input first, whose device decides; None where there is none.
        dtype: what `work` takes.

    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     beyond_autocast(lambda x: x @ x, torch.tensor([[1 / 3]], dtype=torch.bfloat16))
    tensor([[0.1113]], dtype=torch.bfloat16)
    """
    given = [tensor.dtype for tensor in tensors if isinstance(tensor, Tensor)]
    if not isinstance(tensors[0], Tensor) or not given[0].is_floating_point:
        return work(*tensors)  # which refuses it
    kind = tensors[0].device.type
    if not _lowers(kind) or {dtype, *given} & {torch.float64, torch.complex128}:
        return work(*tensors)
    own = (t.to(dtype) if isinstance(t, Tensor) and t.is_floating_point() else t for t in tensors)
    with torch.autocast(kind, enabled=False):
        output = work(*own)
    return output.to(torch.get_autocast_dtype(kind))


def _lowers(kind: str) -> bool:
    return kind in AVAILABLE and torch.is_autocast_enabled(kind)


def without_autocast(kind: str) -> AbstractContextManager[object]:
    """A context out of the reach of autocast for a kind of device.

    >>> with torch.autocast("cpu", dtype=torch.bfloat16), without_autocast("cpu"):
    ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
    torch.float32
    """
    return torch.autocast(kind, enabled=False) if _lowers(kind) else nullcontext()


def never_autocast(read: Function) -> Function:
    """Make what reads a Fourier layer, its first argument, do so out of the reach of autocast, in the layer's dtype.

    >>> from fourierconv import FourierConv2d
    >>> with torch.autocast("cpu", dtype=torch.bfloat16):
    ...     FourierConv2d(1, 1, 3).kernel().dtype
    torch.float32
    """

    @wraps(read)
    def alone(layer: Any, *arguments: Any, **others: Any) -> object:
        if not hasattr(layer, "_like"):
            raise TypeError(
                f"layer must be a Fourier layer, but got {type(layer).__name__}; of a model, sum over "
                f"fourierconv.fourier_layers(model)"
            )
        with without_autocast(layer._like().device.type):
            return read(layer, *arguments, **others)

    return cast(Function, alone)
