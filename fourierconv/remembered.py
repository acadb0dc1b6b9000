"""Constant matrices, kept from call to call: a training step asks for the same ones again and again."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor

from fourierconv.eager import eager
from fourierconv.engines.launch import precision

LARGEST = 2**16  # numbers of a matrix that is kept, at most
COUNT = 256  # of matrices that are kept, at most


def remembered(make: Callable[[], Tensor], like: Tensor, size: int, *where: Hashable) -> Tensor:
    """What `make` returns, or what it returned before. Do not write to it.

    Nothing is kept where torch traces, maps or records what it is told, and of large matrices.

    Args:
        make: makes the matrix, which depends on `where` and on nothing else but the dtype and the device of `like`.
        like: what has that dtype and device.
        size: numbers of the matrix.
        where: names the matrix among all others.

    >>> ones = [remembered(lambda: torch.ones(2), torch.zeros(1), 2, "some ones") for _ in range(2)]
    >>> ones[0] is ones[1]
    True
    """
    if size > LARGEST or not eager(like):
        return make()
    if like.is_cuda:
        if torch.cuda.is_current_stream_capturing():  # of whose memory nothing may stay
            return make()
        stream = torch.cuda.current_stream(like.device).cuda_stream  # another one would have to wait
        where = (*where, stream, precision())  # which products of matrices may be rounded by
    return _made(_Asked((*where, like.dtype, like.device), make))


@dataclass(unsafe_hash=True)
class _Asked:
    where: tuple[Hashable, ...]
    make: Callable[[], Tensor] | None = field(compare=False)


@lru_cache(maxsize=COUNT)
def _made(asked: _Asked) -> Tensor:
    make, asked.make = asked.make, None  # it knows tensors of a layer, which must not be kept
    assert make is not None
    with torch.inference_mode(False), torch.no_grad():
        return make()
