"""The fastest plan by measurement, found once for each case, as cuDNN's benchmark mode does."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from fourierconv.eager import eager
from fourierconv.engines.choice import Case, Plan, candidates, choose

TRIED = 6  # plans, those that are expected to be fastest
ROUNDS = 3

_found: dict[tuple[Case, str, bool], Plan] = {}


def fastest(
    case: Case, name: str, run: Callable[[Plan, Tensor, Tensor], Tensor], images: Tensor, coefficients: Tensor
) -> Plan:
    """The plan whose training steps take the least time, in the median of a few; the first time they are run.

    In inference mode, where nothing can be differentiated, forward passes are measured. Where torch transforms what it
    is told, nothing can be, and the plan is the one that was found before, or is expected to be fastest.

    Args:
        case: what to compute.
        name: of the engine, or 'auto'.
        run: computes outputs from images and coefficients, as planned.
        images, coefficients: as the convolution was called.

    Raises:
        ValueError: an engine that cannot compute it.
    """
    key = case, name, torch.is_inference_mode_enabled()
    if key not in _found:
        if not eager(images, coefficients):
            return choose(case, name)
        plans = candidates(case, name)[:TRIED]
        if len(plans) == 1:
            return plans[0]
        times = {plan: statistics.median(step_times(plan, run, images, coefficients, ROUNDS)) for plan in plans}
        _found[key] = min(plans, key=lambda plan: times[plan])
    return _found[key]


def step_times(
    plan: Plan, run: Callable[[Plan, Tensor, Tensor], Tensor], images: Tensor, coefficients: Tensor, rounds: int
) -> list[float]:
    """Seconds of training steps by a plan, the first of which is not counted; of forward passes in inference mode."""
    times, training = [], not torch.is_inference_mode_enabled()
    for _ in range(rounds + 1):
        own = [tensor.detach().clone().requires_grad_(training) for tensor in (images, coefficients)]
        _wait(images)
        start = time.perf_counter()
        with torch.enable_grad(), saved_tensors_hooks(_same, _same):  # nor into what a caller saves
            output = run(plan, *own)
            if training:  # into no parameter; coefficients of a frozen layer get no gradient
                torch.autograd.grad(output.sum(), own, allow_unused=True)
        _wait(images)
        times.append(time.perf_counter() - start)
    return times[1:]


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _wait(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
