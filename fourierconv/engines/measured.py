"""The fastest plan by measurement, found once for each case, as cuDNN's benchmark mode does."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from fourierconv.engines.choice import Case, Plan, candidates

TRIED = 6  # plans, those that are expected to be fastest
ROUNDS = 3

_found: dict[tuple[Case, str], Plan] = {}


def fastest(
    case: Case, name: str, run: Callable[[Plan, Tensor, Tensor], Tensor], images: Tensor, coefficients: Tensor
) -> Plan:
    """The plan whose training steps take the least time, in the median of a few; the first time they are run.

    Args:
        case: what to compute.
        name: of the engine, or 'auto'.
        run: computes outputs from images and coefficients, as planned.
        images, coefficients: as the convolution was called.

    Raises:
        ValueError: an engine that cannot compute it.
    """
    key = case, name
    if key not in _found:
        plans = candidates(case, name)[:TRIED]
        if len(plans) == 1:
            return plans[0]
        times = {plan: statistics.median(step_times(plan, run, images, coefficients, ROUNDS)) for plan in plans}
        _found[key] = min(plans, key=lambda plan: times[plan])
    return _found[key]


def step_times(
    plan: Plan, run: Callable[[Plan, Tensor, Tensor], Tensor], images: Tensor, coefficients: Tensor, rounds: int
) -> list[float]:
    """Seconds of training steps by a plan, the first of which is not counted."""
    times = []
    for _ in range(rounds + 1):
        own = [tensor.detach().clone().requires_grad_() for tensor in (images, coefficients)]
        _wait(images)
        start = time.perf_counter()
        with torch.enable_grad():
            torch.autograd.grad(run(plan, *own).sum(), own)  # into no parameter
        _wait(images)
        times.append(time.perf_counter() - start)
    return times[1:]


def _wait(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
