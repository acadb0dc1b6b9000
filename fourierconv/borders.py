"""What lies beyond the border of an image, as indices of pixels that lie within it."""

import torch
from torch import Tensor


def period(mode: str, n: int) -> int:
    """After how many pixels an image of n pixels repeats: n, or 2n - 2 where it is reflected.

    >>> period("circular", 8), period("reflect", 8), period("reflect", 1)
    (8, 14, 1)
    """
    return n if mode == "circular" else max(2 * n - 2, 1)


def index(mode: str, n: int, first: int, last: int, device: torch.device | None = None) -> Tensor:
    """The pixels of an image of n pixels that stand at first, ..., last, as int64.

    >>> index("circular", 4, -2, 5).tolist()
    [2, 3, 0, 1, 2, 3, 0, 1]
    >>> index("reflect", 4, -2, 5).tolist()
    [2, 1, 0, 1, 2, 3, 2, 1]
    >>> index("replicate", 4, -2, 5).tolist()
    [0, 0, 0, 1, 2, 3, 3, 3]
    """
    pixels = torch.arange(first, last + 1, device=device)
    if mode == "replicate":
        return pixels.clamp(0, n - 1)
    pixels = pixels.remainder(period(mode, n))
    return torch.minimum(pixels, period(mode, n) - pixels) if mode == "reflect" and n > 1 else pixels


def extend(images: Tensor, axis: int, mode: str, first: int, last: int) -> Tensor:
    """The pixels first, ..., last along one axis of images (batch, channels, *n).

    >>> extend(torch.arange(4.0).view(1, 1, 4), 0, "reflect", -1, 4)
    tensor([[[1., 0., 1., 2., 3., 2.]]])
    """
    pixels = index(mode, images.shape[axis + 2], first, last, images.device)
    return images.index_select(axis + 2, pixels)
