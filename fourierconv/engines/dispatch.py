"""The convolution that functions and layers share, by the engine that is chosen or forced.

One contract: coefficients, a `Filter` per axis that knows how they lie on the images, images; out come images. What is
computed does not depend on the engine, only rounding does.
"""

import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

from fourierconv import borders, phases, separable, spectral
from fourierconv.eager import eager
from fourierconv.engines import direct, generating
from fourierconv.engines.choice import NAMES, Case, Plan, choose, same_taps
from fourierconv.engines.launch import refusal
from fourierconv.engines.measured import fastest
from fourierconv.engines.taps import transform
from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis
from fourierconv.separable import LONG, combine

Memory = dict[tuple[Plan, torch.dtype, torch.device], Tensor]  # of kernels as they are applied
TRACED = 16  # images for which compiled code chooses, as it serves any number of them


class Filter(Protocol):
    """One axis of the kernels of a convolution."""

    @property
    def whole(self) -> Axis:
        """How they lie on the whole image."""
        ...

    @property
    def linear(self) -> Axis | None:
        """How their taps lie on the image as it is extended beyond its borders; None where kernels do not end."""
        ...

    def spectra(self, axis: Axis, rows: int, like: Tensor) -> Tensor:
        """From coefficients to the spectra of phases, complex (scales, stride · rows, columns).

        `axis` is `whole` or what `grid.tiled` makes of `linear`; `like` has the dtype in which to compute.
        """
        ...

    def taps(self) -> Tensor | None:
        """From coefficients to the taps of `linear`, real (scales, taps, columns); None where these are the taps."""
        ...

    @property
    def scales(self) -> int:
        """Matrices of `taps`; 0 where it has none, as the coefficients are the taps."""
        ...


class _Forced(threading.local):
    name: str | None = None
    measures: bool = False


_forced = _Forced()


@contextmanager
def engine(name: str, benchmark: bool = False) -> Iterator[None]:
    """Within it, this engine computes every convolution of functions and layers, but `spectral_conv`, in this thread.

    Args:
        name: 'whole': one grid over the image. 'tiled': tiles, whose grids follow the kernels. 'direct': tap by tap, by
            torch's own convolution. 'triton': either kind of grid, with products by Triton's kernels, in float32 on
            CUDA devices. 'auto': what is expected to take the least time, layer by layer.
        benchmark: whether to measure what is expected to be fast, whenever a convolution of new sizes is met, and to
            keep to the fastest. Within torch.func, and wherever else torch transforms functions, nothing is measured.

    A convolution that the engine cannot compute is refused with a ValueError, when it is called. Code that
    torch.compile has compiled keeps the engine with which it was compiled; 'auto' then chooses as for 16 images. What
    torch.utils.checkpoint computes again in a backward pass needs the same engine around that, too.

    Raises:
        ValueError: an unknown name.

    >>> from fourierconv.functional import conv2d
    >>> x, w = torch.randn(2, 3, 32, 32), torch.randn(4, 3, 7, 7)
    >>> with engine("tiled"):
    ...     tiled = conv2d(x, w, padding=3)
    >>> torch.allclose(tiled, torch.nn.functional.conv2d(x, w, padding=3), atol=1e-4)
    True
    """
    check_name(name)
    before = _forced.name, _forced.measures
    _forced.name, _forced.measures = name, benchmark
    try:
        yield
    finally:
        _forced.name, _forced.measures = before


def check_name(name: object) -> None:
    """Raises ValueError for an engine that there is not."""
    if name not in NAMES:
        raise ValueError(f"engine={name!r} is not one of {', '.join(map(repr, NAMES))}")


def case_of(
    images: Tensor,
    coefficients: Tensor,
    filters: Sequence[Filter],
    groups: int,
    points: tuple[int, ...] | None = None,
) -> Case:
    """What the choice of an engine depends on, in plain numbers: torch.compile has symbols for sizes that changed.

    Args:
        images: (batch, in, *n).
        coefficients: (out, in/groups, *columns), or of a transposed convolution (in, out/groups, *columns).
        filters: one per axis.
        groups: of channels.
        points: outputs of a phase per axis, of a transposed convolution.
    """
    first, second, *columns = map(operator.index, coefficients.shape)
    whole = tuple(own.whole for own in filters)
    linear = tuple(own.linear for own in filters if own.linear is not None)
    return Case(
        batch=TRACED if torch.compiler.is_compiling() else operator.index(images.shape[0]),
        groups=groups,
        inner=operator.index(images.shape[1]) // groups,
        out=first // groups if points is None else second,
        points=points or tuple(min(axis.size, axis.grid) for axis in whole),
        whole=whole,
        linear=linear if len(linear) == len(whole) else None,
        columns=tuple(columns),
        itemsize=images.element_size(),
        kind=images.device.type,
        mirrored=points is not None,
        refusal=refusal(coefficients.dtype, images.device.type),
        tf32=direct.may_round(coefficients.dtype, images.device.type),
    )


def select(
    case: Case, name: str, run: Callable[[Plan, Tensor, Tensor], Tensor], images: Tensor, coefficients: Tensor
) -> Plan:
    """The plan by which to compute: what `engine` says comes first.

    Args:
        case: what the choice depends on.
        name: the caller's own engine.
        run: computes the outputs from images and coefficients, as planned.
        images, coefficients: as the convolution was called.

    Raises:
        ValueError: an engine that cannot compute it.
    """
    name = _forced.name or name
    if _forced.measures and not torch.compiler.is_compiling():
        return fastest(case, name, run, images, coefficients)
    return choose(case, name)


def kernel_spectrum(coefficients: Tensor, filters: Sequence[Filter], plan: Plan, mirrored: bool = False) -> Tensor:
    """The spectra of phases on the grid of the plan's tiles, (out, in/groups, *stride·half), in its memory layout."""
    if plan.tiles is None:
        raise ValueError("'direct' has no spectrum")
    if plan.by_fft and not torch.compiler.is_compiling():
        return transform(_taps(coefficients, filters), plan.axes, mirrored, plan.last)
    if len(filters) == 1 and not mirrored and _by_taps(coefficients, filters[0], plan.axes[0], plan.tiles.half[0]):
        return _spectrum_of_taps(_taps(coefficients, filters), plan.axes[0], plan.tiles.half[0], plan.last)
    return combine(coefficients, _matrices(coefficients, filters, plan.axes, plan.tiles), plan.last)


def correlate(
    input: Tensor,  # (batch, in, *n) or (in, *n)
    coefficients: Tensor,  # (out, in/groups, *columns)
    filters: Sequence[Filter],
    bias: Tensor | None,
    groups: int,
    padding_mode: str = "zeros",
    name: str = "auto",
    recompute: bool = False,
    memory: Memory | None = None,
) -> Tensor:
    """Cross-correlation of images with kernels as their filters lay them out. Arguments are trusted.

    Args:
        input: real images, (batch, in, *n) or (in, *n).
        coefficients: (out, in/groups, *columns), in the dtype in which to compute.
        filters: one per axis.
        bias: (out,).
        groups: of channels.
        padding_mode: what lies beyond the border, where filters read it.
        name: the engine, unless `engine` says another one.
        recompute: whether the backward pass transforms the images again.
        memory: where kernels are kept as they are applied, without gradients, and found again; None to keep none.

    Returns:
        (batch, out, *size) or (out, *size), in the input's dtype.

    Raises:
        ValueError: an engine that cannot compute it.
    """
    batched = input.ndim == len(filters) + 2
    images = (input if batched else input.unsqueeze(0)).to(coefficients.dtype)

    tried: Memory | None = None if memory is None else {}  # kernels of plans that are not chosen are not kept

    def run(chosen: Plan, images: Tensor, coefficients: Tensor) -> Tensor:
        return compute(images, coefficients, chosen, filters, groups, padding_mode, recompute, tried)

    chosen = select(case_of(images, coefficients, filters, groups), name, run, images, coefficients)
    output = compute(images, coefficients, chosen, filters, groups, padding_mode, recompute, memory)
    return finish(output, bias, input.dtype, batched)


def compute(
    images: Tensor,  # (batch, in, *n)
    coefficients: Tensor,  # (out, in/groups, *columns)
    chosen: Plan,
    filters: Sequence[Filter],
    groups: int,
    padding_mode: str,
    recompute: bool,
    memory: Memory | None = None,
) -> Tensor:
    """`correlate`, as planned."""
    for number, axis in enumerate(chosen.axes):
        if axis.reads is not None:
            images = borders.extend(images, number, padding_mode, *axis.reads)
    tiles = chosen.tiles
    if tiles is None:
        return direct.correlate(images, _remembered(coefficients, filters, chosen, memory), chosen.axes, groups)
    kept = tuple(min(axis.size, axis.grid * count) for axis, count in zip(chosen.axes, tiles.count, strict=True))
    if memory is None and generating.serves(chosen, images, coefficients):
        if chosen.by_fft:
            taps = _taps(coefficients, filters)
            output = generating.from_taps(images, taps, chosen.axes, tiles, kept, groups, recompute)
        else:
            matrices = _matrices(coefficients, filters, chosen.axes, tiles)
            output = generating.from_coefficients(images, coefficients, matrices, tiles, kept, groups, recompute)
    else:
        kernels = _remembered(coefficients, filters, chosen, memory)
        images = phases.split(images, [axis.stride for axis in chosen.axes])
        output = spectral.correlate(images, kernels, tiles, kept, groups, recompute, chosen.last)
    for number, (axis, points) in enumerate(zip(chosen.axes, kept, strict=True)):
        if axis.size > points:  # more output than image: circular padding beyond 'same' shows pixels twice
            index = torch.arange(axis.size, device=output.device) % points
            output = output.index_select(number + 2, index)
    return output


def finish(output: Tensor, bias: Tensor | None, dtype: torch.dtype, batched: bool) -> Tensor:
    """Add the bias; back to the caller's dtype and rank. Outputs are contiguous, whatever the engine."""
    output = output if bias is None else output + bias.view(-1, *[1] * (output.ndim - 2))
    output = output.to(dtype).contiguous()
    return output if batched else output.squeeze(0)


def _kernels(coefficients: Tensor, filters: Sequence[Filter], chosen: Plan) -> Tensor:
    """Kernels as they are applied: the taps, or the spectra of phases."""
    if chosen.tiles is None:
        return _taps(coefficients, filters)
    strides = [axis.stride for axis in chosen.axes]
    return phases.gather_input(kernel_spectrum(coefficients, filters, chosen), strides, chosen.last)


def _by_taps(coefficients: Tensor, own: Filter, axis: Axis, rows: int) -> bool:
    """Whether a sequence's spectra take less work by way of its taps than by the matrices of all scales.

    Of images they would have to be written out; there the axes are transformed one after the other.
    """
    if own.linear is None or not same_taps(axis, own.linear):
        return False
    count, points = axis.last - axis.first + 1, axis.stride * rows
    if own.scales == 0:
        return points * count > LONG
    out, inner, columns = coefficients.shape
    by_matrices = points * columns * (own.scales * count + out * inner)
    return out * inner * count * (columns + points) < by_matrices


def _spectrum_of_taps(taps: Tensor, axis: Axis, rows: int, last: bool) -> Tensor:
    """Spectra of phases, (out, in/groups, stride · rows), by a Fourier matrix, or by FFT where that would be large."""
    out, inner, count = taps.shape
    lines = taps.flatten(0, 1).mT.unsqueeze(0)
    if axis.stride * rows * count > LONG:
        spectra = phases.transform_line(axis, rows, lines)
    else:
        spectra = separable.transform(phases.fourier(axis, rows, count, taps), lines)
    spectra = spectra.squeeze(0).contiguous().unflatten(1, (out, inner)).movedim(0, -1)
    return spectra.contiguous() if last else spectra


def _remembered(coefficients: Tensor, filters: Sequence[Filter], chosen: Plan, memory: Memory | None) -> Tensor:
    """`_kernels`, from memory where there is one."""
    if memory is None or torch.compiler.is_compiling():
        return _kernels(coefficients, filters, chosen)
    if not eager(coefficients):  # what is mapped or traced is of no use to other calls
        return _kernels(coefficients, filters, chosen)
    coefficients = coefficients.detach()
    key = chosen, coefficients.dtype, coefficients.device
    if key not in memory:
        with torch.inference_mode(False), torch.no_grad():
            kernels = _kernels(coefficients, filters, chosen)
            memory[key] = kernels.clone() if kernels is coefficients else kernels  # which training may change
    return memory[key]


def _matrices(coefficients: Tensor, filters: Sequence[Filter], axes: Sequence[Axis], tiles: Tiles) -> list[Tensor]:
    """From coefficients to spectra, one per axis."""
    own = zip(filters, axes, tiles.half, strict=True)
    return [filter.spectra(axis, rows, coefficients) for filter, axis, rows in own]


def _taps(coefficients: Tensor, filters: Sequence[Filter]) -> Tensor:
    return combine(coefficients, [own.taps() for own in filters])
