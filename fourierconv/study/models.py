"""The network of the image-size experiment, and what is read of any network: its convolutions, extents and scales."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fourierconv.extent import axis_energies, extent
from fourierconv.layers import FourierConv2d
from fourierconv.study.methods import Method


class ConvNet(nn.Sequential):
    """Convolution, batch norm, ReLU per width, 2×2 max pooling between them, global average pooling, linear.

    Input (batch, channels, n, n), output (batch, classes) logits. With 32-pixel images the last convolution sees 8×8
    pixels, with 128-pixel images 32×32: the same network, whose kernels cover an ever smaller share of the image
    unless they grow. Zero padding, as classic ConvNets have it.

    >>> from fourierconv.study.methods import get
    >>> ConvNet(get("scaled_layer"), channels=1, widths=(4, 8, 8), classes=10)(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, method: Method, channels: int, widths: Sequence[int], classes: int) -> None:
        modules: list[nn.Module] = []
        for number, width in enumerate(widths):
            if number:
                modules.append(nn.MaxPool2d(2))
            modules += [method.layer(channels, width, "zeros"), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        super().__init__(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def convolutions(model: nn.Module) -> list[nn.Conv2d | FourierConv2d]:
    """The convolutions of a network, first to last.

    >>> len(convolutions(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), FourierConv2d(4, 4, 3))))
    2
    """
    return [module for module in model.modules() if isinstance(module, nn.Conv2d | FourierConv2d)]


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
    found = [getattr(layer, "scale", None) for layer in convolutions(model)]
    return [None if scale is None else float(scale.mean()) for scale in found]


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
