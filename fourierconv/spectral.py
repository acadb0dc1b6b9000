"""Equations (1), (2) and (3) of the draft as one differentiable operation on spectra.

At every frequency of the grid a convolution is an ordinary linear layer. Write `X` (batch, in) for the images'
spectra, `W` (out, in) for the kernels', `G` (batch, out) for those of the incoming gradient; then

    (1)  Y  = X Wᴴ        forward
    (2)  X' = G W         gradient with respect to the images
    (3)  W' = Gᴴ X        gradient with respect to the kernels' spectrum

PyTorch's "convolution" is cross-correlation, y[r] = Σ_t w[t] x[r + t], hence the conjugate in (1). The forward pass
keeps X, so that a training step takes two forward real FFTs over images (x and dL/dy) and two inverse ones (y and
dL/dx), whatever the size of the kernels. Each of the three is the adjoint of the other two with respect to one
argument, so second and higher derivatives are made of the same three products.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from fourierconv.eager import eager
from fourierconv.engines.contraction import Contraction
from fourierconv.engines.frequency_last import FrequencyLast
from fourierconv.engines.tiles import Tiles


def half(grid: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of the half spectrum that a real FFT keeps of `grid`.

    >>> half((8, 7))
    (8, 4)
    """
    return (*grid[:-1], grid[-1] // 2 + 1)


def half_weights(grid: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """How often each column of the half spectrum counts in the full one: 2, or 1 on DC and Nyquist.

    >>> half_weights((6,), torch.float32, torch.device("cpu"))
    tensor([1., 2., 2., 1.])
    """
    counts = torch.full((grid[-1] // 2 + 1,), 2.0, dtype=dtype, device=device)
    counts[0] = 1.0
    if grid[-1] % 2 == 0:
        counts[-1] = 1.0
    return counts


def hermitian(spectrum: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Project a half spectrum on those of real kernels.

    Only the columns of DC and Nyquist hold both members of a conjugate pair; elsewhere the other half is implied.
    What an inverse real FFT does with a pair that disagrees differs between devices, so it never gets to see one.

    Args:
        spectrum: complex, (..., *half(grid)).
        grid: the full grid.

    Returns:
        The half spectrum of the same shape whose DC and Nyquist columns satisfy W[-f] = conj(W[f]).

    >>> hermitian(torch.tensor([1 + 1j, 2 + 2j, 3 + 3j]), (4,))
    tensor([1.+0.j, 2.+2.j, 3.+0.j])
    """
    axes = tuple(range(-len(grid), -1))
    own = half_weights(grid, spectrum.real.dtype, spectrum.device) == 1
    mirrored = torch.roll(spectrum.flip(axes), [1] * len(axes), axes) if axes else spectrum
    return torch.where(own, (spectrum + mirrored.conj()) / 2, spectrum)


def correlate(
    input: Tensor,  # (batch, in, *n) real
    spectrum: Tensor,  # (out, in/groups, *half(grid)) complex, Hermitian
    tiles: Tiles,
    size: tuple[int, ...],
    groups: int = 1,
    recompute: bool = False,
    triton: bool = False,
) -> Tensor:
    """Cross-correlation of the zero-extended images with kernels on the grid of a tile, `size` outputs per axis.

    y_g = irfft(Σ_f conj(Ŵ_gf) · X̂_f) per tile, equation (1), differentiable to any order. Arguments are trusted: the
    callers in `fourierconv.functional` and the layers check them. The spectrum's memory may be laid out with the
    frequencies first, or last for Triton's kernels, as the layers make it; then no copy of it is needed.

    Args:
        input: real images, (batch, in, *n).
        spectrum: the kernels' Hermitian half spectrum, (out, in/groups, *half(grid)).
        tiles: how the images are cut; one tile is a circular correlation on its grid.
        size: pixels of the output per axis.
        groups: number of channel groups.
        recompute: whether the backward pass transforms the images again, and their spectra are not kept.
        triton: whether Triton's kernels multiply; they take float32 on CUDA devices.

    Returns:
        Real images, (batch, out, *size).

    >>> x = torch.arange(4.0).view(1, 1, 4)
    >>> shift = torch.fft.rfft(torch.tensor([0.0, 1.0, 0.0, 0.0])).view(1, 1, 3)
    >>> correlate(x, shift, Tiles.whole((4,), (4,)), (4,))
    tensor([[[1., 2., 3., 0.]]])
    """
    if eager(input, spectrum) and not (torch.is_grad_enabled() and spectrum.requires_grad):
        recompute = True  # which it never has to: only equation (3) reads the images' spectra
    return _correlate(input, spectrum, tiles.pack(), list(size), groups, recompute, triton)[0]


def _contraction(spectrum: Tensor, tiles: list[int], groups: int, triton: bool) -> Contraction:
    kind = FrequencyLast if triton else Contraction
    return kind(Tiles.unpack(tiles), groups, spectrum.shape[0] // groups, spectrum.shape[1])


def _equation_1(
    input: Tensor, spectrum: Tensor, tiles: list[int], size: list[int], groups: int, recompute: bool, triton: bool
) -> tuple[Tensor, Tensor]:
    """Equation (1); also returns the images' spectra, unless they are to be computed again."""
    return _contraction(spectrum, tiles, groups, triton).forward(input, spectrum, tuple(size), keep=not recompute)


def _equations_2_and_3(
    grad: Tensor,  # dL/dy
    input: Tensor,  # second derivatives are taken through it, also where its values come from `images`
    spectrum: Tensor,
    images: Tensor,
    tiles: list[int],
    groups: int,
    triton: bool,
    wants_input: bool,
    wants_spectrum: bool,
) -> tuple[Tensor, Tensor]:
    """Equations (2) and (3) from one transform of dL/dy; what is not wanted comes back empty."""
    contraction = _contraction(spectrum, tiles, groups, triton)
    grad_input, grad_spectrum = contraction.backward(grad, input, spectrum, images, wants_input, wants_spectrum)
    return (
        grad.new_empty(0) if grad_input is None else grad_input,
        spectrum.new_empty(0) if grad_spectrum is None else grad_spectrum.data,
    )


_forward = torch.library.custom_op("fourierconv::correlate", _equation_1, mutates_args=())
_backward = torch.library.custom_op("fourierconv::correlate_backward", _equations_2_and_3, mutates_args=())


def _eagerly(plain: Callable[..., tuple[Tensor, Tensor]], op: Any) -> Any:
    """What a function of autograd calls: where tensors are plain, the function itself, without torch's dispatcher."""

    @wraps(plain)
    def forward(*arguments: Any) -> tuple[Tensor, Tensor]:
        own = [argument for argument in arguments if isinstance(argument, Tensor)]
        found: tuple[Tensor, Tensor] = (plain if eager(*own) else op)(*arguments)
        return found

    forward.__signature__ = signature(plain)  # type: ignore[attr-defined]  # asked for in every call
    return staticmethod(forward)


@_forward.register_fake
def _(
    input: Tensor, spectrum: Tensor, tiles: list[int], size: list[int], groups: int, recompute: bool, triton: bool
) -> tuple[Tensor, Tensor]:
    images = _contraction(spectrum, tiles, groups, triton).blank(
        spectrum, 0 if recompute else input.shape[0], spectrum.shape[1]
    )
    return input.new_empty(input.shape[0], spectrum.shape[0], *size), images


@_backward.register_fake
def _(
    grad: Tensor,
    input: Tensor,
    spectrum: Tensor,
    images: Tensor,
    tiles: list[int],
    groups: int,
    triton: bool,
    wants_input: bool,
    wants_spectrum: bool,
) -> tuple[Tensor, Tensor]:
    grad_input = input.new_empty(input.shape if wants_input else 0)
    grad_spectrum = spectrum.new_empty(0)
    if wants_spectrum:
        contraction = _contraction(spectrum, tiles, groups, triton)
        grad_spectrum = contraction.channels_first(contraction.sums(spectrum))
    return grad_input, grad_spectrum


def _save_forward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    input, spectrum, ctx.tiles, ctx.size, ctx.groups, _, ctx.triton = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(input, spectrum, output[1])
    ctx.save_for_forward(input, spectrum, output[1])
    ctx.set_materialize_grads(False)


def _differentiate_forward(ctx: Any, grad: Tensor | None, _: Tensor | None) -> tuple[Tensor | None, ...]:
    if grad is None:
        return (None,) * 7
    input, spectrum, images = ctx.saved_tensors
    wants_input, wants_spectrum = ctx.needs_input_grad[:2]
    grad_input, grad_spectrum = _correlate_backward(
        grad, input, spectrum, images, ctx.tiles, ctx.groups, ctx.triton, wants_input, wants_spectrum
    )
    return (
        grad_input if wants_input else None,
        grad_spectrum if wants_spectrum else None,
        *(None,) * 5,
    )


def _save_backward(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    grad, input, spectrum, _, ctx.tiles, ctx.groups, ctx.triton, ctx.wants_input, ctx.wants_spectrum = inputs
    ctx.mark_non_differentiable(*(own for own, wanted in zip(output, inputs[-2:], strict=True) if not wanted))
    ctx.save_for_backward(grad, input, spectrum)
    ctx.save_for_forward(grad, input, spectrum)
    ctx.set_materialize_grads(False)


def _differentiate_backward(
    ctx: Any,
    along_input: Tensor | None,  # (batch, in, *n), cotangent of dL/dx
    along_spectrum: Tensor | None,  # (out, in/groups, *half), cotangent of dL/dW
) -> tuple[Tensor | None, ...]:
    """The trilinear form <dL/dy, correlate(x, W)>, differentiated once more in each argument."""
    grad, input, spectrum = ctx.saved_tensors
    tiles, size, groups, triton = ctx.tiles, list(grad.shape[2:]), ctx.groups, ctx.triton
    by_grad = by_input = by_spectrum = None
    if along_input is not None and ctx.wants_input:
        if ctx.needs_input_grad[0]:
            by_grad = _correlate(along_input, spectrum, tiles, size, groups, True, triton)[0]
        if ctx.needs_input_grad[2]:
            by_spectrum = _gradients(grad, along_input, spectrum, tiles, groups, triton, False, True)[1]
    if along_spectrum is not None and ctx.wants_spectrum:
        if ctx.needs_input_grad[0]:
            by_grad = _sum(by_grad, _correlate(input, along_spectrum, tiles, size, groups, True, triton)[0])
        if ctx.needs_input_grad[1]:
            by_input = _gradients(grad, input, along_spectrum, tiles, groups, triton, True, False)[0]
    return by_grad, by_input, by_spectrum, *(None,) * 6


def _gradients(
    grad: Tensor,
    input: Tensor,
    spectrum: Tensor,
    tiles: list[int],
    groups: int,
    triton: bool,
    wants_input: bool,
    wants_spectrum: bool,
) -> tuple[Tensor, Tensor]:
    """Equations (2) and (3) where the images' spectra are not at hand."""
    nothing = spectrum.new_empty(0, groups, 0, 0)
    return _correlate_backward(grad, input, spectrum, nothing, tiles, groups, triton, wants_input, wants_spectrum)


def _sum(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return second if first is None else first if second is None else first + second


# torch.func, vmap and forward-mode derivatives reach functions of autograd and no custom ops; torch.compile and
# torch.export see the ops. Both use the formulas above.


class _Correlate(torch.autograd.Function):
    """Equation (1), for eager use."""

    forward = _eagerly(_equation_1, _forward)
    setup_context = staticmethod(_save_forward)
    backward = staticmethod(_differentiate_forward)

    @staticmethod
    def jvp(
        ctx: Any, along_input: Tensor | None, along_spectrum: Tensor | None, *_: None
    ) -> tuple[Tensor | None, None]:
        """The product rule."""
        _refuse_nested_forward_mode()
        input, spectrum, _ = ctx.saved_tensors
        along = None
        if along_input is not None:
            along = _correlate(along_input, spectrum, ctx.tiles, ctx.size, ctx.groups, True, ctx.triton)[0]
        if along_spectrum is not None:
            along = _sum(along, _correlate(input, along_spectrum, ctx.tiles, ctx.size, ctx.groups, True, ctx.triton)[0])
        return along, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        input: Tensor,
        spectrum: Tensor,
        tiles: list[int],
        size: list[int],
        groups: int,
        recompute: bool,
        triton: bool,
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """More images of one spectrum are a larger batch; pairs of images and spectra are groups of channels."""
        count = info.batch_size
        if in_dims[1] is None:
            output, images = _correlate(
                _fold(input, in_dims[0], 0, count), spectrum, tiles, size, groups, recompute, triton
            )
            rows = images.shape[2] // count
            return (output.unflatten(0, (count, -1)), images.unflatten(2, (count, rows))), (0, 2)
        input, spectrum = _fold(input, in_dims[0], 1, count), _fold(spectrum, in_dims[1], 0, count)
        output, images = _correlate(input, spectrum, tiles, size, count * groups, recompute, triton)
        return (output.unflatten(1, (count, -1)), images.unflatten(1, (count, -1))), (1, 1)


class _CorrelateBackward(torch.autograd.Function):
    """Equations (2) and (3), for eager use."""

    forward = _eagerly(_equations_2_and_3, _backward)
    setup_context = staticmethod(_save_backward)
    backward = staticmethod(_differentiate_backward)

    @staticmethod
    def jvp(
        ctx: Any, along_grad: Tensor | None, along_input: Tensor | None, along_spectrum: Tensor | None, *_: None
    ) -> tuple[Tensor | None, Tensor | None]:
        """The product rule for both; each is linear in two of the three."""
        _refuse_nested_forward_mode()
        grad, input, spectrum = ctx.saved_tensors
        by_input = by_spectrum = None

        def add(grad: Tensor, input: Tensor, spectrum: Tensor, wants_input: bool, wants_spectrum: bool) -> None:
            nonlocal by_input, by_spectrum
            terms = _gradients(grad, input, spectrum, ctx.tiles, ctx.groups, ctx.triton, wants_input, wants_spectrum)
            by_input = _sum(by_input, terms[0]) if wants_input else by_input
            by_spectrum = _sum(by_spectrum, terms[1]) if wants_spectrum else by_spectrum

        if along_grad is not None:
            add(along_grad, input, spectrum, ctx.wants_input, ctx.wants_spectrum)
        if along_input is not None and ctx.wants_spectrum:
            add(grad, along_input, spectrum, False, True)
        if along_spectrum is not None and ctx.wants_input:
            add(grad, input, along_spectrum, True, False)
        if ctx.wants_input and by_input is None:
            by_input = torch.zeros_like(input)
        if ctx.wants_spectrum and by_spectrum is None:
            by_spectrum = torch.zeros_like(spectrum)
        return by_input, by_spectrum

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        grad: Tensor,
        input: Tensor,
        spectrum: Tensor,
        images: Tensor,
        tiles: list[int],
        groups: int,
        triton: bool,
        wants_input: bool,
        wants_spectrum: bool,
    ) -> tuple[tuple[Tensor, Tensor], tuple[int | None, int | None]]:
        """As groups of channels, but the images' gradients under one spectrum as a larger batch."""
        count = info.batch_size
        nothing = grad.new_empty(0), spectrum.new_empty(0)
        by_input, by_spectrum = nothing
        dims: list[int | None] = [None, None]
        wide = [_fold(grad, in_dims[0], 1, count), _fold(input, in_dims[1], 1, count)]
        if wants_input and in_dims[2] is None:
            long = [_fold(grad, in_dims[0], 0, count), _fold(input, in_dims[1], 0, count)]
            by_input = _correlate_backward(*long, spectrum, nothing[1], tiles, groups, triton, True, False)[0]
            by_input, dims[0] = by_input.unflatten(0, (count, -1)), 0
        elif wants_input:
            each = _fold(spectrum, in_dims[2], 0, count)
            by_input = _correlate_backward(*wide, each, nothing[1], tiles, count * groups, triton, True, False)[0]
            by_input, dims[0] = by_input.unflatten(1, (count, -1)), 1
        if wants_spectrum:
            shape = list(spectrum.shape)
            if in_dims[2] is not None:
                del shape[in_dims[2]]
            each = spectrum.new_empty(()).expand(count * shape[0], *shape[1:])  # of which the shape is used
            by_spectrum = _correlate_backward(
                *wide, each, _fold(images, in_dims[3], 1, count), tiles, count * groups, triton, False, True
            )[1]
            by_spectrum, dims[1] = by_spectrum.unflatten(0, (count, -1)), 0
        return (by_input, by_spectrum), (dims[0], dims[1])


def _refuse_nested_forward_mode() -> None:
    """torch differentiates autograd functions wrongly there, and says nothing: pytorch#197867."""
    levels = torch._C._functorch.get_interpreter_stack() or []
    if sum(level.key() == torch._C._functorch.TransformType.Jvp for level in levels) > 1:
        raise NotImplementedError(
            "forward-mode derivatives of forward-mode derivatives (jacfwd of jacfwd, jvp of jvp) are wrong in torch "
            "for functions of autograd, such as this one; take one with jacrev or vjp, as torch.func.hessian does"
        )


def _fold(tensor: Tensor, mapped: int | None, axis: int, count: int) -> Tensor:
    """Make the dimension that vmap maps over, or `count` copies, the slower part of another one."""
    tensor = tensor.expand(count, *tensor.shape) if mapped is None else tensor.movedim(mapped, 0)
    return tensor.movedim(0, axis).flatten(axis, axis + 1)


def _correlate(*arguments: Any) -> tuple[Tensor, Tensor]:
    if not torch.compiler.is_compiling():
        return _Correlate.apply(*arguments)
    _refuse_forward_mode()
    return _forward(*arguments)


def _correlate_backward(*arguments: Any) -> tuple[Tensor, Tensor]:
    if not torch.compiler.is_compiling():
        return _CorrelateBackward.apply(*arguments)
    _refuse_forward_mode()
    return _backward(*arguments)


def _refuse_forward_mode() -> None:
    """For operators of torch.library it has no formula, and without one the derivative is zero."""
    if forward_ad._current_level >= 0:
        raise NotImplementedError("torch.compile has no forward-mode derivatives of this; take them outside of it")


_forward.register_autograd(_differentiate_forward, setup_context=_save_forward)
_backward.register_autograd(_differentiate_backward, setup_context=_save_backward)
