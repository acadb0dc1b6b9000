"""Learned scales: how many a layer has, where they start, and how far they may go between two looks at them.

Grids are sized by plain numbers, so that a forward pass never waits for the device. Between two calls of `refresh` a
scale may therefore grow only so far; it is held there, and its gradient passes as if it were not. torch.compile makes
another graph for every number that sizes a grid, hence fewer of them there.

The numbers are those of one tensor. Where another one takes its place (a copy's, one of torch.func.functional_call), or
where a layer in eval mode finds it changed, they are read again, which may wait for the device.
"""

import math
import operator
import warnings
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from fourierconv.eager import underneath
from fourierconv.sharding import is_sharded, whole

HEADROOM = 1.25  # how far a scale may grow between two calls of refresh()
FEW = 32  # forward passes between two calls of refresh(), after more of which it is worth a warning
ROUNDING = 2.0**-8  # of half precision, in which a limit of 0.2 pixels is kept as 0.19995
TRACING = (  # modes of dispatch in which tensors have no values
    torch._C._TorchDispatchModeKey.FAKE,
    torch._C._TorchDispatchModeKey.PROXY,
    torch._C._TorchDispatchModeKey.FUNCTIONAL,
)
Initial = float | tuple[float, float] | list[float]


def count(per: str | int, out_channels: int) -> int:
    """How many scales 'layer', 'channel' or a number of groups of output channels means.

    Raises:
        ValueError: another word, or a number that does not divide the channels.

    >>> count("layer", 8), count("channel", 8), count(4, 8)
    (1, 8, 4)
    """
    known = {"layer": 1, "channel": out_channels}
    number = known.get(per, 0) if isinstance(per, str) else per
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1 or out_channels % number:
        raise ValueError(
            f"scale_per={per!r} must be 'layer', 'channel' or a number of groups that divides "
            f"out_channels={out_channels}"
        )
    return number


@dataclass
class Bounds:
    """The limits of one kind of scale, and the bound of each axis until the next refresh.

    Attributes:
        name: the argument's name, for messages.
        limits: least and largest value, in pixels.
        reach: the largest value that is applied, in pixels; one, or one per axis.
        compiled_reach: a power of two that is as large, by which compiled layers size their grids.
        made_of: the tensor whose values these are, and its version. A weak reference would keep torch from swapping it.
        others: the same of another tensor in its place, with its bounds.
        trained: forward passes of training since they were read; those of compiled code are not seen.
    """

    name: str
    limits: tuple[float, float]
    reach: list[float] = field(default_factory=list)
    compiled_reach: list[int] = field(default_factory=list)
    made_of: tuple[Tensor, int] | None = None
    others: "tuple[Tensor, int, Bounds] | None" = None
    trained: int = 0

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "made_of": None, "others": None}  # the tensors of a copy are others

    def initial(self, value: Initial, number: int, axes: int) -> list[list[float]]:
        """Initial scales, (number, axes): all alike, or log-spaced from the first of two to the second.

        Raises:
            ValueError: what is not within the limits, or two values for one scale.

        >>> Bounds("scale", (0.25, 64.0)).initial((1.0, 4.0), 3, 1)
        [[1.0], [2.0], [4.0]]
        """
        pair = tuple(value) if isinstance(value, tuple | list) else (value,) * 2
        if len(pair) != 2 or not all(
            isinstance(s, Real) and not isinstance(s, bool) and self.limits[0] <= s <= self.limits[1] for s in pair
        ):
            raise ValueError(
                f"{self.name}={value!r} must be a number of pixels, or two for log-spaced scales, "
                f"between {self.limits[0]} and {self.limits[1]}"
            )
        if isinstance(value, tuple | list) and number == 1:
            raise ValueError(f"{self.name}={value} asks for several scales, but scale_per gives one")
        ratio = (pair[1] / pair[0]) ** (1 / max(number - 1, 1))
        return [[pair[0] * ratio**index] * axes for index in range(number)]

    def look(self, values: list[list[float]]) -> int:
        """Set the bounds by the present values, and count those that were beyond the old ones.

        Raises:
            ValueError: a value that is not finite.
        """
        flat = [value for row in values for value in row]
        if not all(math.isfinite(value) for value in flat):
            raise ValueError(
                f"{self.name}={flat} must be finite: training diverged, the state is damaged, or memory was left empty"
            )
        low, high = self.limits
        columns = list(zip(*values, strict=True))
        pairs = zip(columns, self.reach or [high] * len(columns), strict=True)
        held = sum(not low * (1 - ROUNDING) <= value <= reach for column, reach in pairs for value in column)
        self.reach = [min(min(max(max(column), low), high) * HEADROOM, high) for column in columns]
        self.compiled_reach = [2 ** max(math.ceil(math.log2(reach)), 0) for reach in self.reach]
        return held

    def read(self, parameter: Tensor) -> tuple[int, bool]:
        """`look` at the present values of a parameter, of all processes, whose bounds these are from now on.

        Returns what `look` does, and whether a value is beyond the limits. Warns where training applied much less.
        """
        values = whole(parameter).tolist()
        applied = self.reach if self.trained > FEW else []
        held = self.look(values)
        self.made_of, self.others, self.trained = (parameter, _version(parameter)), None, 0
        if applied:
            self._compare(applied, values)
        return held, not all(self.limits[0] <= value <= self.limits[1] for row in values for value in row)

    def _compare(self, applied: list[float], values: list[list[float]]) -> None:
        """Warn of scales that training has left behind: at the new bounds the network is another one."""
        grown = [min(max(column), self.limits[1]) for column in zip(*values, strict=True)]
        outgrown = [(own, bound) for own, bound in zip(grown, applied, strict=True) if own > HEADROOM * bound]
        if outgrown:
            own, bound = max(outgrown)
            warnings.warn(
                f"{self.name} has grown to {own:.3g} pixels, but since the last refresh training has applied at most "
                f"{bound:.3g}: call fourierconv.refresh(model) every few steps, before the bound is reached",
                stacklevel=2,
            )

    def are_of(self, parameter: Tensor) -> bool:
        """Whether `read` has last seen this tensor, if not all of its values."""
        return self.made_of is not None and self.made_of[0] is parameter

    def present(self, parameter: Tensor) -> "Bounds":
        """Bounds as `read` would set them; these stay as they are. Itself where no values are to be had."""
        if torch.compiler.is_compiling():
            return self
        plain = underneath(parameter)
        return self._of(parameter, whole(plain)) if is_sharded(plain) or _readable(plain) else self

    def fitting(self, parameter: Tensor, training: bool) -> "Bounds":
        """Bounds for a tensor that is about to be applied: these, unless they are known to be of something else.

        In training, changes of the layer's own tensor wait for `read`. Nor are values read while a graph is traced or
        captured, or where a process has but a part of them.

        >>> bounds, own = Bounds("scale", (0.25, 64.0)), torch.ones(1, 1)
        >>> _ = bounds.read(own)
        >>> bounds.fitting(own, True) is bounds, bounds.fitting(4 * own, True).reach
        (True, [5.0])
        >>> own *= 4
        >>> bounds.fitting(own, True).reach, bounds.fitting(own, False).reach
        ([1.25], [5.0])
        """
        if torch.compiler.is_compiling():
            return self
        plain = underneath(parameter)
        if self.made_of is not None and _same(*self.made_of, plain, training):
            return self
        others = self.others  # once: another thread may change it
        if others is not None and _same(*others[:2], plain, training=False):
            return others[2]
        if not _readable(plain):
            return self
        try:
            if plain is parameter and self.are_of(plain):
                self.read(plain)
                return self
            other = self._of(parameter, plain)
        except ValueError:  # not finite, which shows in what is computed
            return self
        if plain.grad_fn is None and not plain._is_view():  # else a graph would be kept, or what it is a part of
            self.others = plain, _version(plain), other
        return other

    def _of(self, parameter: Tensor, plain: Tensor) -> "Bounds":
        """Bounds of a tensor; where it stands for a batch of parameters, of the largest of all their finite values."""
        other = replace(self, reach=[], made_of=None, others=None)
        values = plain.detach()
        if values.ndim > parameter.ndim:
            values = values.where(values.isfinite(), self.limits[0]).amax().expand(1, parameter.shape[-1])
        other.look(values.tolist())
        return other

    def hold(self, parameter: Tensor, axis: int) -> Tensor:
        """The scales of one axis, (scales,), held within their bounds; gradients pass as if they were not."""
        axis = min(axis, parameter.shape[1] - 1)
        own = parameter[:, axis]
        # multiplied: a compiler need not know the number, as it would to clamp by it
        held = own.detach().clamp(min=self.limits[0]).minimum(own.new_ones(()) * self.reach[axis])
        return held + (own - own.detach())  # the bracket is zero, whatever the scale, and passes the gradient

    def bound(self, axis: int) -> float:
        """What no scale that is applied along an axis exceeds, in pixels."""
        axis = min(axis, len(self.reach) - 1)
        # index: a plain number, no symbol for one that changed
        return operator.index(self.compiled_reach[axis]) if torch.compiler.is_compiling() else self.reach[axis]


def _version(tensor: Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _same(known: Tensor, version: int, tensor: Tensor, training: bool) -> bool:
    return known is tensor and (training or version == _version(tensor))


def _readable(tensor: Tensor) -> bool:
    """Whether the values of a tensor can be had now."""
    if type(tensor) not in (Tensor, torch.nn.Parameter) or tensor.is_meta or torch._C._get_tracing_state() is not None:
        return False
    if any(torch._C._get_dispatch_mode(mode) is not None for mode in TRACING):
        return False
    if torch._ops._len_torch_dispatch_stack_pre_dispatch():
        return False
    return not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())
