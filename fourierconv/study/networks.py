"""The networks of the study: in each a contender makes the convolutions, and all else stays the same."""

import math
from collections.abc import Callable, Sequence

from torch import Tensor, nn

from fourierconv.study.methods import Method
from fourierconv.study.models import ConvNet, Pointwise

BASE = 32  # pixels: the size of image for which the plain network is made
SMALL = 64  # pixels: the largest images that the first stage of `ResNet` sees pixel by pixel


def deeper_widths(widths: Sequence[int], size: int) -> tuple[int, ...]:
    """Widths with one more stage per doubling of the image from 32 pixels, each twice as wide as the one before.

    In between, the number of doublings is rounded: 96 pixels have the stages of 128.

    >>> deeper_widths((16, 32, 64), 128)
    (16, 32, 64, 128, 256)
    """
    more = max(round(math.log2(size / BASE)), 0)
    return (*widths, *(widths[-1] * 2**number for number in range(1, more + 1)))


class Predecessor(nn.Sequential):
    """The network of Henaff, Bruna, LeCun 2015 (arXiv 1506.05163) for ImageNet at 128 pixels.

    Four times convolution, ReLU, 2×2 max pooling, with 48, 128, 256 and 256 maps; then three dense layers of 4096 units
    with dropout, and the classes. Other widths have dense layers of 16 times the last one. Input
    (batch, channels, n, n), output (batch, classes) logits; n is fixed, as the dense layers see the last maps pixel by
    pixel. The paper does not say how large kernels and pools are, what share dropout drops, here ½, and how weights
    start, here as torch draws them.

    >>> import torch
    >>> from fourierconv.study.methods import get
    >>> model = Predecessor(get("spline_open"), 1, (4, 4, 8, 8), 10, "zeros", 32)
    >>> model(torch.zeros(2, 1, 32, 32)).shape, model[16].out_features
    (torch.Size([2, 10]), 128)
    """

    def __init__(
        self, method: Method, channels: int, widths: Sequence[int], classes: int, padding_mode: str, size: int
    ) -> None:
        modules: list[nn.Module] = []
        for width in widths:
            modules += [method.layer(channels, width, padding_mode, bias=True), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        modules.append(nn.Flatten())
        units, dense = channels * (size // 2 ** len(widths)) ** 2, 16 * channels
        for _ in range(3):
            modules += [nn.Linear(units, dense), nn.ReLU(), nn.Dropout()]
            units = dense
        super().__init__(*modules, nn.Linear(units, classes))


class ResNet(nn.Sequential):
    """A residual network (He et al. 2016, arXiv 1512.03385), a contender in the place of every 3×3 convolution.

    A stage per width, of two blocks of two convolutions; one after the first begins with stride 2, which is the
    contender's own. Shortcuts that change shape stay 1×1 convolutions. Images of up to 64 pixels meet a 3×3 convolution
    first, as for CIFAR-10, which is the contender's, too; larger ones the 7×7 convolution of stride 2 and the 3×3 max
    pooling of ImageNet, which stay. All weights start as torch draws them. With 'conv2d_3' and the paper's widths 64,
    128, 256, 512 it is ResNet-18; with the study's three it has 14 layers that learn, shortcuts not counted. Input
    (batch, channels, n, n), output (batch, classes) logits.

    >>> import torch
    >>> from fourierconv.study.methods import get
    >>> ResNet(get("scaled_layer"), 3, (4, 8, 8, 8), 10, "zeros", 96)(torch.zeros(2, 3, 96, 96)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self, method: Method, channels: int, widths: Sequence[int], classes: int, padding_mode: str, size: int
    ) -> None:
        first = widths[0]
        modules: list[nn.Module]
        if size <= SMALL:
            modules = [method.layer(channels, first, padding_mode), nn.BatchNorm2d(first), nn.ReLU()]
        else:
            stem = nn.Conv2d(channels, first, 7, stride=2, padding=3, bias=False)
            modules = [stem, nn.BatchNorm2d(first), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1)]
        channels = first
        for stage, width in enumerate(widths):
            modules.append(Block(method, channels, width, 2 if stage else 1, padding_mode))
            modules.append(Block(method, width, width, 1, padding_mode))
            channels = width
        super().__init__(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class Block(nn.Module):
    """Two convolutions of a contender with batch norm and ReLU in between, added to their input, and ReLU.

    >>> import torch
    >>> from fourierconv.study.methods import get
    >>> Block(get("conv2d_3"), 4, 8, 2, "zeros")(torch.zeros(1, 4, 9, 9)).shape
    torch.Size([1, 8, 5, 5])
    """

    def __init__(self, method: Method, channels: int, width: int, stride: int, padding_mode: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            method.layer(channels, width, padding_mode, stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            method.layer(width, width, padding_mode),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            pointwise = Pointwise(channels, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(pointwise, nn.BatchNorm2d(width))
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        """(batch, channels, n, n) -> (batch, width, n/stride, n/stride)."""
        summed: Tensor = self.relu(self.residual(images) + self.shortcut(images))
        return summed


def plain(method: Method, channels: int, widths: Sequence[int], classes: int, padding_mode: str, size: int) -> ConvNet:
    """`ConvNet`: the same stages at every image size."""
    return ConvNet(method, channels, widths, classes, padding_mode)


def deeper(method: Method, channels: int, widths: Sequence[int], classes: int, padding_mode: str, size: int) -> ConvNet:
    """The classic ConvNet with the usual remedy, one more convolution and pooling stage per doubling of the image."""
    return ConvNet(method, channels, deeper_widths(widths, size), classes, padding_mode)


def twice(method: Method, channels: int, widths: Sequence[int], classes: int, padding_mode: str, size: int) -> ConvNet:
    """The plain network with two convolutions per stage, as in VGG (Simonyan, Zisserman 2015, arXiv 1409.1556)."""
    return ConvNet(method, channels, widths, classes, padding_mode, repeats=2)


Network = Callable[[Method, int, Sequence[int], int, str, int], nn.Module]

# Called with a contender, the images' channels, widths, classes, padding mode and the images' size.
NETWORKS: dict[str, Network] = {
    "convnet": plain,
    "deeper": deeper,
    "twice": twice,
    "predecessor": Predecessor,
    "resnet18": ResNet,  # the name under which its runs are kept
}
