"""The taps through torch's own convolution."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv.eager import constant_when_compiled
from fourierconv.grid import Axis

_CONVS: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@constant_when_compiled  # compiled code keeps to the engines that were chosen with it
def _cudnn_allows_tf32() -> bool:
    precision: str = torch.backends.cudnn.conv.fp32_precision  # type: ignore[attr-defined]
    return precision == "tf32"  # never raises, also where torch's older setting, `allow_tf32`, was used beside it


def may_round(dtype: torch.dtype, kind: str) -> bool:
    """Whether torch's convolution may round factors of this dtype to TF32 on this kind of device.

    >>> may_round(torch.float32, "cpu")
    False
    """
    return kind == "cuda" and dtype == torch.float32 and _cudnn_allows_tf32()


def correlate(images: Tensor, taps: Tensor, axes: Sequence[Axis], groups: int) -> Tensor:
    """Linear correlation of zero-extended images, as laid out by `axes`, with taps.

    Args:
        images: real, (batch, in, *n), already extended where an axis reads beyond the image.
        taps: (out, in/groups, *taps), those that matter.
        axes: without folds.
        groups: of channels.

    Returns:
        (batch, out, *size).

    >>> from fourierconv.grid import linear_axis
    >>> correlate(torch.ones(1, 1, 4), torch.ones(1, 1, 3), [linear_axis(4, first=-1, last=1, size=4)], groups=1)
    tensor([[[2., 3., 3., 2.]]])
    """
    taps = (
        taps.contiguous()
    )  # as torch's convolution makes them; what it says of others' gradients to a compiler is wrong
    before, after, inside = [], [], True
    for n, span, axis in zip(images.shape[2:], taps.shape[2:], axes, strict=True):
        left = -axis.start - axis.step * axis.first + (0 if axis.reads is None else axis.reads[0])
        reach = axis.step * (span - 1) + 1
        before.append(left)
        after.append(axis.stride * (axis.size - 1) + reach - left - n)
        inside = inside and left >= 0 and (n + 2 * left - reach) // axis.stride + 1 == axis.size
    arguments: dict[str, Any] = {
        "stride": tuple(axis.stride for axis in axes),
        "dilation": tuple(axis.step for axis in axes),
        "groups": groups,
    }
    if inside:
        return _CONVS[len(axes)](images, taps, padding=tuple(before), **arguments)
    pads = [pixels for pair in zip(reversed(before), reversed(after), strict=True) for pixels in pair]
    return _CONVS[len(axes)](F.pad(images, pads), taps, **arguments)
