"""A device whose memory is the CPU's, and which is as strict as CUDA: for tests where there is no other device.

It refuses operands of two devices, and with deterministic algorithms what torch refuses on CUDA. Torch knows it as a
backend, which cannot be undone: only a process of its own should `register` it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "elsewhere"
MOVING = ("copy_", "_to_copy")  # what takes operands of two devices
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


def register() -> None:
    """Make torch know the device, and give what reads numbers of a tensor a way to them."""
    _setup_privateuseone_for_python_backend(NAME)
    # `torch.tensor` goes beneath the modes
    _library.impl("empty_strided", _empty_strided, "PrivateUse1")
    _library.impl("_copy_from", _copy_from, "PrivateUse1")
    replaced: Any = Tensor
    tolist = replaced.tolist
    replaced.tolist = lambda own: tolist(own.detach().cpu())
    replaced.__format__ = lambda own, spec: format(own.item(), spec)


_library = torch.library.Library("aten", "IMPL")


def _empty_strided(size: Any, stride: Any, dtype: Any = None, **others: Any) -> Tensor:
    return There(torch.empty_strided(size, stride, dtype=dtype))


def _copy_from(source: Tensor, target: "There", non_blocking: bool = False) -> Tensor:
    target.here.copy_(source)
    return target


class There(Tensor):
    """A tensor on the device."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> "There":
        """`here` holds its numbers."""
        own: There = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=torch.device(NAME, 0),
        )
        own.here = here
        return own

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Also where no mode is at work."""
        return _compute(func, args, kwargs or {})


class Elsewhere(TorchDispatchMode):
    """Within it tensors can be made on the device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        """All operations, those of backward passes among them."""
        return _compute(func, args, kwargs or {})


def _compute(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    name = func.overloadpacket.__name__
    tensors = [own for own in pytree.tree_leaves((args, kwargs)) if isinstance(own, Tensor)]
    there = any(isinstance(own, There) for own in tensors)
    if there and name not in MOVING:
        if any(own.ndim > 0 and not isinstance(own, There) for own in tensors):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")
        deterministic = torch.are_deterministic_algorithms_enabled()
        if deterministic and name in REFUSED and args[0].is_floating_point():
            raise RuntimeError(f"{name} does not have a deterministic implementation")
    asked = kwargs.get("device")
    args_here, kwargs_here = pytree.tree_map_only(There, lambda own: own.here, (args, dict(kwargs)))
    if asked is not None:
        kwargs_here["device"] = torch.device("cpu")
    found = func(*args_here, **kwargs_here)
    if there and any(own.alias_info is not None and own.alias_info.is_write for own in func._schema.returns):
        return kwargs.get("out", args[0])
    stays = there if asked is None else torch.device(asked).type == NAME
    if stays:
        return pytree.tree_map_only(Tensor, lambda own: There(own.resolve_conj()), found)
    return found
