"""What several tests measure of a piece of work: its relative error, the FFTs that it takes, how it is refused."""

import warnings
from collections import Counter
from collections.abc import Callable

from torch import Tensor
from torch.profiler import ProfilerActivity, profile

FFT_NAMES = {"aten::_fft_r2c": "r2c", "aten::_fft_c2r": "c2r", "aten::_fft_c2c": "c2c"}


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

    >>> import torch
    >>> count_ffts(lambda: torch.fft.rfft2(torch.ones(2, 3, 8, 8)))
    Counter({'r2c': 1})
    """
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        work()
    return Counter(FFT_NAMES[event.name] for event in profiler.events() if event.name in FFT_NAMES)


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
