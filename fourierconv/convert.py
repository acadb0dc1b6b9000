"""From nn.ConvNd to Fourier layers with the same weights: one layer, or all those of a model."""

import logging
from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils import parametrize

from fourierconv import arguments
from fourierconv.kernels import AxisKernel
from fourierconv.layers import WINDOW_LIMITS, FourierConv1d, FourierConv2d, FourierConv3d, fourier_layers
from fourierconv.parameterizations.base import lattice, origin
from fourierconv.separable import combine
from fourierconv.takeover import made_by, move, overrides, share_hooks

Layer = FourierConv1d | FourierConv2d | FourierConv3d

_LAYERS: dict[type[nn.Conv1d | nn.Conv2d | nn.Conv3d], type[Layer]] = {
    nn.Conv1d: FourierConv1d,
    nn.Conv2d: FourierConv2d,
    nn.Conv3d: FourierConv3d,
}
_HOLDING = (
    "'spatial' and 'spectral' hold any taps, 'free' on a reference_grid of at least kernel_size, 'truncated' on one of "
    "kernel_size, 'scaled' at scale=1, 'window' where its Gaussian does not vanish on the taps; 'spline', 'dyadic', "
    "'bilinear' and 'spline_open' those of 1 pixel"
)
_log = logging.getLogger("fourierconv")


def from_conv(conv: nn.Module, parameterization: str = "spatial", **options: Any) -> Layer:
    """The Fourier layer that computes what an nn.Conv1d, nn.Conv2d or nn.Conv3d does.

    Its bias is the same Parameter, and so are the coefficients of 'spatial'; parametrizations of
    torch.nn.utils.parametrize move along, and torch.nn.utils.weight_norm becomes one. Other coefficients are new, and
    an optimizer should be made after them: θ = A_y⁺ w A_x⁺ᵀ with A⁺ the pseudo-inverse, if A_y θ A_xᵀ is w, dilated,
    and zero elsewhere. Hooks on forward and backward passes are shared, and torch's random numbers left alone.
    A state_dict of the nn.ConvNd loads in 'spatial' layers as it is.

    Args:
        conv: an nn.Conv1d, nn.Conv2d or nn.Conv3d; on device 'meta', too, where no weights are looked at.
        parameterization: one of `fourierconv.parameterizations.NAMES`.
        options: what else the layer's constructor takes, such as scale, scale_per, window, reference_grid, tolerance.
            The Gaussian of 'window' is half as wide as the taps unless scale= says otherwise.

    Returns:
        A FourierConv1d, FourierConv2d or FourierConv3d.

    Raises:
        TypeError: a transposed or lazy convolution, one with a forward or parameters of its own, or another module.
        ValueError: taps that the parameterization does not hold, by how much, and which ones do; weights that a
            parametrization (but with 'spatial') or a hook makes; what the constructor refuses.

    >>> conv = nn.Conv2d(3, 8, 5, stride=2, padding=2)
    >>> x = torch.randn(1, 3, 32, 32)
    >>> torch.allclose(from_conv(conv)(x), conv(x), atol=1e-5)
    True
    >>> torch.allclose(from_conv(conv, "scaled", scale_per="channel")(x), conv(x), atol=1e-5)
    True
    """
    refusal = _refusal(conv)
    if refusal is not None:
        hint = "; to_conv makes one of a Fourier layer" if isinstance(conv, Layer) else ""
        raise TypeError(
            f"conv={type(conv).__name__} {refusal}; nn.Conv1d, nn.Conv2d and nn.Conv3d can be converted{hint}"
        )
    layer = _keep(conv, parameterization, options)
    share_hooks(conv, layer)
    return layer


def convert(
    model: nn.Module,
    parameterization: str = "spatial",
    *,
    keep_weights: bool = True,
    where: Callable[[str, nn.Module], bool] | None = None,
    **options: Any,
) -> nn.Module:
    """Swap every nn.Conv1d, nn.Conv2d and nn.Conv3d of a model for its Fourier layer, in place.

    Layers and weights that the model shares stay shared; with a layer that is left as it is, 'spatial' layers alone do.
    Where parameters are new, all but those of 'spatial', an optimizer should be made after conversion. What is left as
    it is (transposed and lazy convolutions, those with a forward or parameters of their own) is listed by the logger
    "fourierconv". On an error the model is as before.

    Args:
        model: any module; a convolution itself is not changed.
        parameterization: one of `fourierconv.parameterizations.NAMES`.
        keep_weights: whether layers compute what they did, as by `from_conv`, or start with new weights and biases.
        where: called with the name, the first one of a convolution that is shared, and the convolution; says which ones
            to convert, by default all.
        options: what else the layers' constructors take, such as scale, scale_per, window, reference_grid, tolerance.

    Returns:
        The model, or the new layer where the model is a convolution.

    Raises:
        TypeError: a model that is no nn.Module; an option that the constructor does not know.
        ValueError: a model without a convolution to convert; with the layer's name, what `from_conv` refuses.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
    >>> x = torch.randn(1, 3, 32, 32)
    >>> before = model(x)
    >>> torch.allclose(convert(model)(x), before, atol=1e-5)
    True
    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 1))
    >>> type(convert(model, "scaled", where=lambda name, conv: max(conv.kernel_size) > 1)[1]).__name__
    'Conv2d'
    >>> model = convert(nn.Conv2d(3, 8, 7), "scaled", keep_weights=False, scale=(1.0, 4.0), scale_per="channel")
    >>> model.scale.shape
    torch.Size([8, 1])
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, but got {type(model).__name__}")
    found: dict[str, nn.Module] = {
        name: own
        for name, own in model.named_modules()
        if isinstance(own, _ConvNd) and (where is None or where(name, own))
    }
    refusals = {name: refusal for name, module in found.items() if (refusal := _refusal(module)) is not None}
    left = ", ".join(f"{name!r} ({type(found[name]).__name__} {refusal})" for name, refusal in refusals.items())
    if len(refusals) == len(found):
        asked = "" if where is None else " that `where` asks for"
        raise ValueError(
            f"model={type(model).__name__} has no nn.Conv1d, nn.Conv2d or nn.Conv3d{asked} to convert; "
            f"it has {len(list(fourier_layers(model)))} Fourier layers, which to_conv turns into such"
            f"{left and ', and of other convolutions '}{left}"
        )
    new: dict[nn.Module, Layer] = {}
    owners: dict[nn.Parameter, Layer] = {}  # the first layer made of each
    for name, conv in found.items():
        if name not in refusals:
            new[conv] = _named(name, conv, parameterization, keep_weights, options)
            _tie(conv, new[conv], owners)
    for conv, layer in new.items():
        share_hooks(conv, layer)
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child in new:
                parent._modules[name] = new[child]
    if left:
        _log.warning("%s: convert leaves %s", type(model).__name__, left)
    return new.get(model, model)


def _refusal(module: object) -> str | None:
    """Why a module is not converted, None if it is."""
    if isinstance(module, LazyModuleMixin):
        return "is lazy: run it once first"
    if isinstance(module, _ConvTransposeNd):
        return "is a transposed convolution"
    for kind in _LAYERS:
        if isinstance(module, kind):
            if overrides(module, kind, "__call__", "forward", "_conv_forward"):
                return "has a forward of its own"
            more = ", ".join(map(repr, _beyond(module)))
            return f"has {more}, which would be lost" if more else None
    return "is not one of them"


def _beyond(conv: nn.Module) -> list[str]:
    """Parameters, buffers and children that are neither weight nor bias nor what makes these."""
    parts = ("", "_orig", "_mask", "_g", "_v", "_u")  # as torch's normalizations and pruning name them
    known = {"parametrizations", *(f"{name}{part}" for name in ("weight", "bias") for part in parts)}
    return [name for name in (*conv._parameters, *conv._buffers, *conv._modules) if name not in known]


# --- new layers ---


def _named(name: str, conv: nn.Module, parameterization: str, keep: bool, options: dict[str, Any]) -> Layer:
    """The layer for a convolution of a model; errors say which one that is."""
    try:
        return (_keep if keep else _draw)(conv, parameterization, options)
    except (TypeError, ValueError, RuntimeError) as error:
        if not name:
            raise
        raise type(error)(f"layer {name!r}: {error}") from error


def _draw(conv: Any, parameterization: str, options: dict[str, Any]) -> Layer:
    """The layer as the constructor draws it."""
    made = made_by(conv, "weight") or made_by(conv, "bias")
    if made is not None:
        raise ValueError(f"keep_weights=False puts parameters in place of parameters, but {made}")
    return _build(conv, conv.weight.device, parameterization, options)


def _keep(conv: Any, parameterization: str, options: dict[str, Any]) -> Layer:
    """The layer with the weights of a convolution, which is left as it is."""
    like = _like(conv)
    if parameterization == "window":  # a narrow one would make coefficients of very different sizes
        options = {"scale": min(max(max(conv.kernel_size) / 2, 1.0), WINDOW_LIMITS[1]), **options}
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):  # whatever the default device
        layer = _build(conv, torch.device("meta" if like.is_meta else "cpu"), parameterization, options)
    shape = (conv.out_channels, conv.in_channels // conv.groups, *conv.kernel_size)
    made = made_by(conv, "weight")
    if made is None and conv.weight.shape != shape:
        raise ValueError(f"weight has shape {list(conv.weight.shape)}, but {conv} uses {list(shape)}")
    if parameterization == "spatial" and layer.window is None:
        move(conv, "weight", layer, "coefficients")
    elif made is not None:
        raise ValueError(f"{_asked(parameterization, options)} cannot keep what makes the weight: {made}")
    else:
        if not like.is_meta:
            with torch.device("cpu"):
                _fit(layer, conv.weight.detach().to("cpu", torch.float64), _asked(parameterization, options))
        layer.to(like.device)
        for parameter in layer.parameters():
            parameter.requires_grad_(conv.weight.requires_grad)
    move(conv, "bias", layer, "bias")
    return layer


def _build(conv: Any, device: torch.device, parameterization: str, options: dict[str, Any]) -> Layer:
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    layer = next(_LAYERS[kind] for kind in _LAYERS if isinstance(conv, kind))(
        **{name: getattr(conv, name) for name in names},
        bias=parametrize.is_parametrized(conv, "bias") or conv.bias is not None,
        device=device,
        dtype=_like(conv).dtype,
        parameterization=parameterization,
        **options,
    )
    layer.train(conv.training)
    return layer


def _like(conv: nn.Module) -> Tensor:
    """A tensor of the dtype and on the device of the weight, which parametrizations may change when it is read."""
    return next(chain(conv.parameters(), conv.buffers()))


def _tie(conv: Any, layer: Layer, owners: dict[nn.Parameter, Layer]) -> None:
    """Share what is learned with the first layer made of the same weight, or of the same bias."""
    for name, learned in (("weight", ("coefficients", "scale", "window", "coordinates")), ("bias", ("bias",))):
        parameter = conv._parameters.get(name)
        if parameter is not None:
            owner = owners.setdefault(parameter, layer)
            for own in learned:
                setattr(layer, own, getattr(owner, own))
    layer.refresh()


def _asked(parameterization: str, options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in {"parameterization": parameterization, **options}.items())


# --- coefficients of taps ---


@torch.no_grad()
def _fit(layer: Layer, taps: Tensor, asked: str) -> None:
    """Set the coefficients whose kernels are the taps and nothing else.

    Raises:
        ValueError: there are none.
    """
    matrices = [_stacked(kernel, *kernel.support(layer.tolerance, layer.dims)) for kernel in layer._kernels(tight=True)]
    coefficients, tried = taps, "as coefficients they are"
    if layer.coordinates is None:
        inverses = [torch.linalg.pinv(rows)[..., :k] for rows, k in zip(matrices, layer.kernel_size, strict=True)]
        coefficients, tried = combine(taps, inverses), "the nearest kernels are"
    layer.coefficients.copy_(coefficients)
    missing = combine(layer._theta(), matrices)
    own: tuple[Any, ...] = (..., *map(slice, layer.kernel_size))
    missing[own] -= taps
    error = float(missing.norm() / taps.norm().clamp(min=1e-300))
    dtype = layer.coefficients.dtype
    if not error <= torch.finfo(dtype).eps + 32 * torch.finfo(arguments.computed_in(dtype)).eps:
        size = "x".join(map(str, layer.kernel_size))
        raise ValueError(
            f"{asked} does not hold these {size} taps: {tried} off by {error:.2g} of their norm; {_HOLDING}; "
            f"convert(..., keep_weights=False) starts with new weights"
        )


def _stacked(kernel: AxisKernel, first: int, last: int) -> Tensor:
    """A at the positions of the taps, above the triangular factor of A at all others: the same norms, in few rows."""
    left = -origin(kernel.kernel_size)
    right = left + kernel.kernel_size - 1
    positions = lattice(first, last)
    others = positions[(positions < left) | (positions > right)]
    beyond = torch.linalg.qr(kernel.taps(others).to(torch.float64), mode="r")[1]
    return torch.cat([kernel.taps(lattice(left, right)).to(torch.float64), beyond], -2)
