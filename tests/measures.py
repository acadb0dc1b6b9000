"""What several tests measure of a piece of work: its relative error, the FFTs that it takes, how it is refused."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FFT_NAMES = {"aten._fft_r2c": "r2c", "aten._fft_c2r": "c2r", "aten._fft_c2c": "c2c"}


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """‖actual - expected‖ / ‖expected‖ in the 2-norm; 0 where both are zero, infinite where only `expected` is.

    >>> import torch
    >>> relative_error(torch.tensor([3.0, 4.5]), torch.tensor([3.0, 4.0]))
    0.1
    """
    if actual.shape != expected.shape:
        raise ValueError(f"actual has shape {list(actual.shape)}, expected has {list(expected.shape)}")
    error, norm = (float(t.detach().norm()) for t in (actual - expected, expected))
    return 0.0 if error == 0 else error / norm if norm > 0 else float("inf")


def count_ffts(work: Callable[[], object]) -> Counter[str]:
    """How many real, inverse real and complex FFTs `work` calls, as 'r2c', 'c2r' and 'c2c'.

    >>> count_ffts(lambda: torch.fft.rfft2(torch.ones(2, 3, 8, 8)))
    Counter({'r2c': 1})
    """
    mode = _CountFFTs()
    with mode:
        work()
    return mode.counts


class _CountFFTs(TorchDispatchMode):
    """Autograd takes it along to the thread where it runs the backward pass of a device."""

    def __init__(self) -> None:
        super().__init__()
        self.counts = Counter[str]()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What an operator calls is not seen; so those that are made of others are run with the mode on."""
        kwargs = kwargs or {}
        name = str(func.overloadpacket)
        if name in FFT_NAMES:
            self.counts[FFT_NAMES[name]] += 1
            return func(*args, **kwargs)
        with self:
            if func.namespace == "fourierconv":
                kind = next(own.device.type for own in args if isinstance(own, Tensor))
                key = torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, kind.upper()))
                return func.redispatch(key, *args, **kwargs)
            parts = func.decompose(*args, **kwargs)
        return func(*args, **kwargs) if parts is NotImplemented else parts


def refusal(work: Callable[[], object]) -> Exception:
    """What `work` raises; it has to.

    >>> refusal(lambda: 1 / 0)
    ZeroDivisionError('division by zero')
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, on its way to an error
        try:
            work()
        except Exception as error:
            return error
    raise AssertionError("was not refused")
