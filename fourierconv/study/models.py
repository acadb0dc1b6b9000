"""The plain network of the study, and what is read of any network: its convolutions, extents and scales."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fourierconv.extent import axis_energies, extent
from fourierconv.layers import FourierConv2d
from fourierconv.study.methods import Method

SPREAD = ("mean", "p10", "p50", "p90")  # how a layer's extents and scales are summed up


class ConvNet(nn.Sequential):
    """Convolution, batch norm, ReLU per width, 2×2 max pooling between them, global average pooling, linear.

    Input (batch, channels, n, n), output (batch, classes) logits. With 32-pixel images the last convolution sees 8×8
    pixels, with 128-pixel images 32×32: the same network, whose kernels cover an ever smaller share of the image
    unless they grow. Zero padding, as classic ConvNets have it, unless told otherwise. With `repeats` a stage has so
    many convolutions, each with batch norm and ReLU.

    >>> from fourierconv.study.methods import get
    >>> ConvNet(get("scaled_layer"), channels=1, widths=(4, 8, 8), classes=10)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        method: Method,
        channels: int,
        widths: Sequence[int],
        classes: int,
        padding_mode: str = "zeros",
        repeats: int = 1,
    ) -> None:
        modules: list[nn.Module] = []
        for number, width in enumerate(widths):
            if number:
                modules.insert(-1, nn.MaxPool2d(2))  # before ReLU: the same numbers, with a quarter of the pixels left
            for _ in range(repeats):
                modules += [method.layer(channels, width, padding_mode), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        super().__init__(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class Pointwise(nn.Conv2d):
    """A 1×1 convolution that a network has whatever the contender, and that is not read as one of its layers.

    >>> convolutions(nn.Sequential(Pointwise(4, 8, 1)))
    []
    """


def convolutions(model: nn.Module) -> list[nn.Conv2d | FourierConv2d]:
    """The convolutions of a network, first to last, without the pointwise ones of shortcuts.

    >>> len(convolutions(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), FourierConv2d(4, 4, 3))))
    2
    """
    return [
        module
        for module in model.modules()
        if isinstance(module, nn.Conv2d | FourierConv2d) and not isinstance(module, Pointwise)
    ]


@torch.no_grad()
def extents(model: nn.Module) -> list[float]:
    """Mean extent of each convolution's kernels over channels and axes, in pixels of that layer's input.

    >>> [round(side, 2) for side in extents(nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU()))]
    [1.0]
    """
    return [float(layer_extent(layer).mean()) for layer in convolutions(model)]


@torch.no_grad()
def scales(model: nn.Module) -> list[float | None]:
    """Mean learned scale of each convolution, in pixels of its input; None where it has none.

    >>> scales(nn.Sequential(nn.Conv2d(1, 4, 3), FourierConv2d(4, 4, 3, parameterization="scaled", scale=2.0)))
    [None, 2.0]
    """
    found = [layer_scale(layer) for layer in convolutions(model)]
    return [None if scale is None else float(scale.mean()) for scale in found]


def layer_scale(layer: nn.Module) -> Tensor | None:
    """What a layer learns of its kernels' size: its scale, else the width of its window; (scales, axes) in pixels.

    >>> layer_scale(FourierConv2d(4, 4, 3, parameterization="spline", window=2.0)).tolist()
    [[2.0]]
    """
    scale: Tensor | None = getattr(layer, "scale", None)
    return getattr(layer, "window", None) if scale is None else scale


@torch.no_grad()
def spread(values: Tensor) -> dict[str, float]:
    """Mean and percentiles of a layer's extents or scales.

    >>> spread(torch.arange(11.0))
    {'mean': 5.0, 'p10': 1.0, 'p50': 5.0, 'p90': 9.0}
    """
    held = values.detach().double().cpu().flatten()
    quantiles = held.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=held.dtype)).tolist()
    return dict(zip(SPREAD, [float(held.mean()), *quantiles], strict=True))


@torch.no_grad()
def layer_extent(layer: nn.Module) -> Tensor:
    """Extent of each kernel of a torch or Fourier convolution, (out, in/groups, 2), in pixels of the layer's input.

    >>> layer_extent(nn.Conv2d(2, 4, 1)).shape
    torch.Size([4, 2, 2])
    """
    if isinstance(layer, FourierConv2d):
        return layer.extent()
    assert isinstance(layer, nn.Conv2d)
    return torch.stack([extent(energy) for energy in axis_energies(layer.weight, 2)], -1)
