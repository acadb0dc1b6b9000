"""Learned scales: how many a layer has, where they start, and how far they may go between two looks at them.

Grids are sized by plain numbers, so that a forward pass never waits for the device. Between two calls of `refresh` a
scale may therefore grow only so far; it is held there, and its gradient passes as if it were not. torch.compile makes
another graph for every number that sizes a grid, hence fewer of them there.
"""

import math
import operator
from dataclasses import dataclass, field
from numbers import Integral, Real

import torch
from torch import Tensor

HEADROOM = 1.25  # how far a scale may grow between two calls of refresh()
ROUNDING = 2.0**-8  # of half precision, in which a limit of 0.2 pixels is kept as 0.19995
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
    """

    name: str
    limits: tuple[float, float]
    reach: list[float] = field(default_factory=list)
    compiled_reach: list[int] = field(default_factory=list)

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
            raise ValueError(f"{self.name}={flat} must be finite: training diverged or the state is damaged")
        low, high = self.limits
        columns = list(zip(*values, strict=True))
        pairs = zip(columns, self.reach or [high] * len(columns), strict=True)
        held = sum(not low * (1 - ROUNDING) <= value <= reach for column, reach in pairs for value in column)
        self.reach = [min(min(max(max(column), low), high) * HEADROOM, high) for column in columns]
        self.compiled_reach = [2 ** max(math.ceil(math.log2(reach)), 0) for reach in self.reach]
        return held

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
