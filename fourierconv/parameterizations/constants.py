"""Numbers that are found with tensors, from plain numbers: constants, whoever traces the layer."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import torch
from torch.utils._python_dispatch import _disable_current_modes

from fourierconv.eager import constant_when_compiled

P = ParamSpec("P")
Number = TypeVar("Number", int, float)


def constant(function: Callable[P, Number]) -> Callable[P, Number]:
    """Find the number once, on the CPU: torch.compile, torch.export and meta devices must not see the way to it.

    >>> constant(lambda n: float(torch.arange(n).sum()))(4)
    6.0
    """
    cached = functools.lru_cache(maxsize=256)(function)

    @constant_when_compiled
    @functools.wraps(function)
    def evaluate(*args: P.args, **kwargs: P.kwargs) -> Number:
        with _disable_current_modes(), torch.device("cpu"):
            return cached(*args, **kwargs)  # type: ignore[arg-type]

    return cast(Callable[P, Number], evaluate)
