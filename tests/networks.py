"""Networks as they are used: ResNet-18, a U-Net, and a ConvNeXt; in torch alone, as wide as a test needs them."""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """x + conv(relu(conv(x))), normalized; the shortcut is a 1x1 convolution where sizes change (He et al. 2016)."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, outer, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outer)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inner != outer:
            self.shortcut = nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(self.conv1(x)).relu()
        return (self.norm2(self.conv2(y)) + self.shortcut(x)).relu()


def resnet18(width: int = 64, channels: int = 3, classes: int = 10) -> nn.Sequential:
    """ResNet-18: a 7x7 stem, four stages of two blocks, `width` to 8·`width` channels; 20 convolutions, no bias."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    inner = width
    for stage in range(4):
        outer = width * 2**stage
        layers += [Block(inner, outer, 2 if stage else 1), Block(outer, outer, 1)]
        inner = outer
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inner, classes))


class UNet(nn.Module):
    """A U-Net of three levels: 3x3 convolutions, transposed ones upwards, skips in between (Ronneberger et al. 2015).

    Images must be a multiple of 4 pixels; the output has their size.
    """

    def __init__(self, width: int = 32, channels: int = 3, classes: int = 2) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width]
        self.down = nn.ModuleList(self._two(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        self.up = nn.ModuleDict()
        self.merge = nn.ModuleDict()
        for level in (1, 0):
            self.up[f"level{level}"] = nn.ConvTranspose2d(widths[level + 1], widths[level], 2, stride=2)
            self.merge[f"level{level}"] = self._two(2 * widths[level], widths[level])
        self.head = nn.Conv2d(width, classes, 1)

    @staticmethod
    def _two(inner: int, outer: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inner, outer, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(outer, outer, 3, padding="same", padding_mode="reflect"),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else nn.functional.max_pool2d(x, 2))
            skips.append(x)
        for level in (1, 0):
            x = torch.cat([self.up[f"level{level}"](x), skips[level]], 1)
            x = self.merge[f"level{level}"](x)
        return self.head(x)


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of images."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.movedim(1, -1)).movedim(-1, 1)


class InvertedBlock(nn.Module):
    """x + γ·linear(gelu(linear(norm(depthwise 7x7(x))))) (Liu et al. 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).movedim(1, -1))
        return x + (self.scale * self.contract(nn.functional.gelu(self.expand(y)))).movedim(-1, 1)


def convnext(
    width: int = 96, channels: int = 3, classes: int = 10, blocks: tuple[int, ...] = (1, 1, 2, 1)
) -> nn.Sequential:
    """A ConvNeXt: patches of 4x4, depthwise 7x7 blocks, 2x2 convolutions of stride 2 from stage to stage."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=4), ChannelNorm(width)]
    for stage, number in enumerate(blocks):
        if stage:
            layers += [ChannelNorm(width), nn.Conv2d(width, 2 * width, 2, stride=2)]
            width *= 2
        layers += [InvertedBlock(width) for _ in range(number)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(width), nn.Linear(width, classes))
