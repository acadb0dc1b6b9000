"""Convolution by Triton's kernels from coefficients or taps: spectra of kernels are made where they are applied.

One function of autograd from coefficients to outputs; what is generated is neither kept whole nor differentiated whole.
It is for eager training and inference. Derivatives of its derivatives, and many at a time, are those of
`spectral.correlate` on spectra that are made before, and whatever else transforms functions (torch.compile, torch.func,
forward mode) gets that from the start.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import spectral
from fourierconv.autocast import without_autocast
from fourierconv.eager import eager
from fourierconv.engines.choice import Plan
from fourierconv.engines.frequency_last import FrequencyLast
from fourierconv.engines.kernel_spectra import Generated, Transformed
from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis

Maker = Callable[..., Generated | Transformed]


def serves(plan: Plan, images: Tensor, coefficients: Tensor) -> bool:
    """Whether these are plain tensors in eager mode, and the plan is one for which kernels can be generated."""
    if plan.tiles is None or not plan.last or any(axis.stride > 1 for axis in plan.axes):
        return False
    if not eager(images, coefficients):
        return False
    return not plan.by_fft or _turned(plan.axes, plan.tiles, tuple(images.shape[2:])) is not None


@lru_cache(maxsize=1024)
def _turned(axes: tuple[Axis, ...], tiles: Tiles, n: tuple[int, ...]) -> Tiles | None:
    """Tiles on whose circle the first tap lies on pixel 0; None where they do not hold the images then."""
    if not all(map(_turns, axes, tiles.step, n)):
        return None
    return replace(tiles, lead=tuple(-_first(axis) for axis in axes))


def from_coefficients(
    images: Tensor,  # (batch, in, *n)
    coefficients: Tensor,  # (out, in/groups, *columns)
    matrices: Sequence[Tensor],  # (1 or scales, rows, columns) each, complex
    tiles: Tiles,
    size: tuple[int, ...],
    groups: int,
    recompute: bool = False,
) -> Tensor:
    """Correlation with kernels of spectra Ŵ = (B_0 ⊗ B_1 ⊗ …) θ, (batch, out, *size)."""
    keep = not recompute and _differentiated(images, coefficients, *matrices)

    def make(coefficients: Tensor, *matrices: Tensor, **others: Any) -> Generated:
        return Generated(tiles, coefficients, matrices, **others)

    return _Correlate.apply(make, tiles, size, groups, keep, images, coefficients, *matrices)


def from_taps(
    images: Tensor,  # (batch, in, *n)
    taps: Tensor,  # (out, in/groups, *taps)
    axes: tuple[Axis, ...],
    tiles: Tiles,
    size: tuple[int, ...],
    groups: int,
    recompute: bool = False,
) -> Tensor:
    """Correlation with kernels of taps as `axes` lay them out, (batch, out, *size).

    Their first tap is put on pixel 0 of the circle, and images lie as many pixels before as it lay behind.
    """
    keep = not recompute and _differentiated(images, taps)
    for number, axis in enumerate(axes, 2):
        if axis.step > 1:
            taps = _apart(taps, number, axis.step)
    shifted = _turned(axes, tiles, tuple(images.shape[2:]))
    assert shifted is not None  # `serves` has asked

    def make(taps: Tensor, wanted: Sequence[bool] = (), **others: Any) -> Transformed:
        return Transformed(shifted, taps, **others)

    return _Correlate.apply(make, shifted, size, groups, keep, images, taps)


def _differentiated(*tensors: Tensor) -> bool:
    """Whether there can be a backward pass."""
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


class _Correlate(torch.autograd.Function):
    """From images and what kernels are made of to outputs."""

    @staticmethod
    def forward(
        ctx: Any,
        make: Maker,
        tiles: Tiles,
        size: tuple[int, ...],
        groups: int,
        keep: bool,
        images: Tensor,
        *sources: Tensor,
    ) -> Tensor:
        kernels = make(*sources)
        out, inner = sources[0].shape[:2]
        ctx.contraction = FrequencyLast(tiles, groups, out // groups, inner)
        ctx.make, ctx.sources = make, len(sources)
        output, spectra = ctx.contraction.apply(images, kernels, size, keep)
        kept = (own for own in (spectra, kernels.kept) if own is not None)
        ctx.save_for_backward(images, *sources, *kept)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, *rest = ctx.saved_tensors
        sources, kept = rest[: ctx.sources], rest[ctx.sources :]
        wants_images, *wanted = ctx.needs_input_grad[5:]
        if torch.is_grad_enabled() or not eager(grad):
            found = _by_spectra(ctx, grad, images, sources)
            return *(None,) * 5, *found
        del rest
        ctx.maybe_clear_saved_tensors()  # unless the graph is kept, spectra go when they were used
        kernels = ctx.make(*sources, wanted=wanted[1:], kept=kept.pop() if len(kept) > 1 else None)
        with without_autocast(grad.device.type):  # in which a caller may differentiate
            by_images = ctx.contraction.differentiate(grad, images, kernels, kept, wants_images, any(wanted))
            by_sources = kernels.finish() if any(wanted) else (None,) * len(sources)
        return *(None,) * 5, by_images, *by_sources


def _by_spectra(ctx: Any, grad: Tensor, images: Tensor, sources: Sequence[Tensor]) -> list[Tensor | None]:
    """Gradients of images and sources, by spectra as a whole: they can be differentiated again, and mapped."""
    own, again = ctx.contraction, torch.is_grad_enabled()
    wanted = [n for n, needed in enumerate(ctx.needs_input_grad[5:]) if needed]
    given = [images, *sources]
    with torch.enable_grad():
        spectrum = ctx.make(*sources).differentiable()
        size = tuple(grad.shape[2:])
        y = spectral.correlate(images, spectrum, own.tiles, size, own.groups, recompute=True, triton=True)
    gradients = torch.autograd.grad(y, [given[n] for n in wanted], grad, create_graph=again)
    found: list[Tensor | None] = [None] * len(given)
    for n, gradient in zip(wanted, gradients, strict=True):
        found[n] = gradient
    return found


def _first(axis: Axis) -> int:
    """Pixels from an output to what its first tap reads."""
    return axis.start + axis.step * axis.first - (0 if axis.reads is None else axis.reads[0])


def _turns(axis: Axis, outputs: int, n: int) -> bool:
    """Whether the circle can be turned until the first tap lies on pixel 0, and n pixels still lie on it as one."""
    reach = axis.step * (axis.last - axis.first)
    if outputs + reach <= axis.grid:  # nothing goes around
        return True
    return reach < axis.grid and 0 <= -_first(axis) <= axis.grid - n


def _apart(taps: Tensor, axis: int, step: int) -> Tensor:
    """Taps with zeros between them."""
    wide = F.pad(taps.unsqueeze(axis + 1), (0, 0) * (taps.ndim - axis - 1) + (0, step - 1)).flatten(axis, axis + 1)
    return wide.narrow(axis, 0, wide.shape[axis] - step + 1)
