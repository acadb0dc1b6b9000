"""Deterministic algorithms, and what torch refuses on CUDA when they are asked for, refused on the CPU, too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from fourierconv import FourierConv2d, penalties

# Of floating point numbers, as the documentation of torch.use_deterministic_algorithms lists them for 2.13.
REFUSED = (
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d_backward",
    "_ctc_loss_backward",
    "_embedding_bag_dense_backward",
    "adaptive_max_pool2d_backward",
    "avg_pool3d_backward",
    "bincount",
    "cumsum",
    "fractional_max_pool2d_backward",
    "fractional_max_pool3d_backward",
    "grid_sampler_2d_backward",
    "grid_sampler_3d_backward",
    "histc",
    "kthvalue",
    "max_unpool2d",
    "max_unpool3d",
    "median",
    "nll_loss2d_forward",
    "put",
    "put_",
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "reflection_pad3d_backward",
    "upsample_bicubic2d_backward",
    "upsample_bilinear2d_backward",
    "upsample_linear1d_backward",
    "upsample_trilinear3d_backward",
)


class Refusing(TorchDispatchMode):
    """Raises RuntimeError where torch does on CUDA."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        """Of every operation, those of backward passes among them."""
        if func.overloadpacket.__name__ in REFUSED and args[0].is_floating_point():
            raise RuntimeError(f"{func.overloadpacket.__name__} does not have a deterministic implementation")
        return func(*args, **(kwargs or {}))


@contextmanager
def deterministic() -> Iterator[None]:
    """Within it torch computes deterministically or not at all."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def call_everything(layer: FourierConv2d, x: Tensor) -> list[Tensor]:
    """A training step, and what is read of a layer: all that is found."""
    y = layer(x)
    gradients = torch.autograd.grad(y.square().sum() + penalties.size(layer), (x, *layer.parameters()))
    layer.refresh()
    repr(layer)
    return [y, *gradients, layer.extent(), layer.mass_curve(), layer.operator_norm(), layer.spectrum(16)]
