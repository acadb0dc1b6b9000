"""Layers that were trained on images of one size, made for images of another."""

from collections.abc import Sequence
from copy import deepcopy
from fractions import Fraction
from typing import TypeVar

import torch
from torch import Tensor, nn

from fourierconv import arguments, parameterizations
from fourierconv.layers import _FourierConvNd
from fourierconv.parameterizations import Parameterization
from fourierconv.scales import Bounds
from fourierconv.separable import combine
from fourierconv.takeover import copied, made_by

SEMANTICS = ("pixels", "image")
Module = TypeVar("Module", bound=nn.Module)


def resize(
    layer: Module, from_size: int | Sequence[int], to_size: int | Sequence[int], semantics: str = "pixels"
) -> Module:
    """A copy of a layer, or of all Fourier layers of a model, for images of another size.

    Two things are meant by that, and r = to_size/from_size per axis is all that matters to either:

    'pixels': the same kernels in pixels, Ŵ'(u) = Ŵ(u) at every frequency u in cycles per pixel. Right where larger
    images show more of the scene, at the same magnification. All layers hold their kernels in pixels, on grids of any
    size, so it is a copy and r does not matter.

    'image': the same share of the image, w'[t] = w(t/r)/Πr and Ŵ'(u) = Ŵ(r·u): mode m of the old image is mode m of
    the new one, and constant images keep their output. Right where the same scene is sampled more finely. So
    layer(x)[i] is resize(layer, n, r·n, "image")(x')[r·i], x' being x at r times as many pixels, as far as x is
    band-limited, borders do not matter and kernels are sampled well:

    - 'free', 'truncated': `reference_grid` times r, which must be whole. Mode numbers are kept, higher ones are zero or
      dropped: equal at the reference grid's frequencies, but for Nyquist of an even grid, which is halved between its
      two signs; and on images that are as large.
    - 'hermite': `scale` times r; where both σ are 2 or more, equal within 1e-5 of the spectrum's largest value up to 6
      orders, 1e-4 up to 9.
    - 'scaled': `scale` times r; within 2 % of it where both spacings are 2 or more. From spacing 1 to 2 the highest
      frequencies change by half of it: the profile is no low-pass where it is one pixel. Below 1 it stays as wide and
      only the spacing follows. Sums are exact at whole spacings and below 1, elsewhere each profile's within 2.5 %.
    - 'spacings': positions and widths times r, in a window that holds them; each tap's spectrum within 1 % where
      σ are 1 or more and positions 3σ from its edge.
    - `window=` is stretched with the kernel. All others are fixed in pixels, 'window' too, and refused unless they are
      a single pixel.

    Kernels of an even number of coefficients are stretched about their middle, ½ pixel from the origin, unless they are
    made of modes. Stride, padding and dilation are kept; what is said of kernels holds before dilation. Modules other
    than Fourier layers are copied as they are, nn.ConvNd too. Parameters that several layers shared are separate ones
    after 'image'. Sources: mode numbers, FNO (Li et al. 2021, arXiv 2010.08895) and, with interpolated weights, GFNet
    (Rao et al. 2021, arXiv 2107.00645); continuous kernels, FlexConv (Romero et al. 2022, arXiv 2110.08059).

    Args:
        layer: a Fourier layer, or a module that holds some; it is not changed.
        from_size: pixels per axis that it was trained on, an int or one per axis.
        to_size: pixels per axis that it is to serve.
        semantics: 'pixels' or 'image'.

    Returns:
        A copy. Where an 'image' ratio differs between axes, scales that the axes shared are per axis in it.

    Raises:
        TypeError: no module; sizes that are no integers.
        RuntimeError: a size below 1, or not as many as a layer has axes.
        ValueError: other semantics, no Fourier layer, and for 'image': kernels that are fixed in pixels, a scale that
            would leave its limits, a reference grid that would not be whole or could not hold the modes, parameters
            that a parametrization or a hook makes.

    >>> from fourierconv import FourierConv2d
    >>> layer = FourierConv2d(3, 8, 5, padding=2, parameterization="scaled", scale=2.0)
    >>> resize(layer, 32, 64).scale.item(), resize(layer, 32, 64, "image").scale.item()
    (2.0, 4.0)
    >>> resize(layer, 32, (64, 48), "image").scale.tolist()
    [[4.0, 3.0]]
    """
    if not isinstance(layer, nn.Module):
        raise TypeError(f"layer must be a Fourier layer or a module that holds some, but got {type(layer).__name__}")
    if semantics not in SEMANTICS:
        raise ValueError(f"semantics={semantics!r} is not one of {', '.join(map(repr, SEMANTICS))}")
    resized = copied(layer)
    found = {name: own for name, own in resized.named_modules() if isinstance(own, _FourierConvNd)}
    if not found:
        raise ValueError(f"layer={type(layer).__name__} holds no Fourier layer")
    for name, own in found.items():
        where = f"layer {name!r}: " if name else ""
        old = arguments.positive(f"{where}from_size", from_size, own.dims)
        new = arguments.positive(f"{where}to_size", to_size, own.dims)
        own.refresh()
        if semantics == "pixels":
            continue
        learned = ["coefficients", "bias", *(bounds.name for bounds, _, _ in own._scales())]
        for made in (made_by(own, name) for name in learned if getattr(own, name) is not None):
            if made is not None:
                raise ValueError(f"{where}parameters must be the layer's own: {made}")
        try:
            _stretch(own, [Fraction(*pair) for pair in zip(new, old, strict=True)])
        except NotImplementedError as error:
            raise ValueError(f"{where}{error}; {_stretching()}") from None
        except ValueError as error:
            raise ValueError(f"{where}{error}") from None
    return resized


@torch.no_grad()
def _stretch(layer: _FourierConvNd, ratios: Sequence[Fraction]) -> None:
    """Make the kernels of a layer r times as large, in place; its parameters are replaced, as others may share them."""
    kernels = layer._kernels()
    axes = [
        kernel.own.stretch(kernel.kernel_size, ratio, kernel.scale.double())
        for kernel, ratio in zip(kernels, ratios, strict=True)
    ]
    layer._axes = [own for own, _ in axes]
    layer.reference_grid = tuple(own.grid(k) for own, k in zip(layer._axes, layer.kernel_size, strict=True))
    coefficients = combine(layer.coefficients.double(), [matrix for _, matrix in axes])
    layer.coefficients = _like(layer.coefficients, coefficients.contiguous())
    if layer.coordinates is not None:
        layer.coordinates = deepcopy(layer.coordinates)
        layer.coordinates.stretch(ratios, layer.reference_grid)

    scales = list(layer._scales())
    shared = len(set(ratios)) == 1
    layer.per_axis = layer.per_axis or (not shared and bool(scales))
    factors = torch.tensor(ratios[:1] if shared else ratios, dtype=torch.float64, device=coefficients.device)
    for bounds, parameter, _ in scales:
        values = parameter.double() * factors  # (scales, 1), or per axis
        if not values.is_meta and Bounds(bounds.name, bounds.limits).look(values.tolist()):
            raise ValueError(
                f"{bounds.name}={parameter.tolist()} times {[float(r) for r in ratios]} would leave its limits, "
                f"{bounds.limits[0]} to {bounds.limits[1]} pixels"
            )
        setattr(layer, bounds.name, _like(parameter, values))
        bounds.reach = []  # one per axis now, perhaps
    layer.refresh()


def _like(parameter: nn.Parameter, values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.to(parameter), parameter.requires_grad)


def _stretching() -> str:
    own = [name for name in parameterizations.NAMES if _stretches(parameterizations.get(name))]
    return (
        f"{', '.join(map(repr, own))} can be resized by 'image', and 'scaled' at scale 1 holds the taps of a classic "
        f"layer: see `convert`"
    )


def _stretches(own: Parameterization) -> bool:
    return type(own).stretch is not Parameterization.stretch
