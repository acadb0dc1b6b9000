"""Images as spectra of tiles and back: overlap-save and its adjoint, overlap-add.

A tile of T pixels that a kernel of `span` taps is correlated with on a circle has T - span + 1 outputs that no wrapped
pixel reached. So the grid follows the kernel and not the image. One tile per axis is the whole image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from fourierconv.grid import Axis


@dataclass(frozen=True)
class Tiles:
    """How images are cut, per axis; outputs are counted in the same pixels.

    Attributes:
        grid: pixels of a tile, the length of its transform.
        step: outputs of a tile, and pixels from one tile to the next.
        count: number of tiles.
        lead: pixels that the first tile begins before the image.
    """

    grid: tuple[int, ...]
    step: tuple[int, ...]
    count: tuple[int, ...]
    lead: tuple[int, ...]

    @classmethod
    def whole(cls, grid: tuple[int, ...], size: tuple[int, ...]) -> "Tiles":
        """One tile that gives `size` outputs.

        >>> Tiles.whole((8, 6), (5, 5)).count
        (1, 1)
        """
        return cls(grid, size, (1,) * len(grid), (0,) * len(grid))

    @classmethod
    def along(cls, axes: Sequence[tuple[Axis, int, int]]) -> "Tiles":
        """Of what `grid.tiled` made per axis: the axis, outputs of a tile, number of tiles."""
        grid, lead = (tuple(getattr(axis, name) for axis, _, _ in axes) for name in ("grid", "lead"))
        return cls(grid, tuple(step for _, step, _ in axes), tuple(count for _, _, count in axes), lead)

    @classmethod
    def unpack(cls, numbers: list[int]) -> "Tiles":
        """From what `pack` made.

        >>> Tiles.unpack(Tiles.whole((8,), (5,)).pack()) == Tiles.whole((8,), (5,))
        True
        """
        dims = len(numbers) // 4
        return cls(*(tuple(numbers[part * dims : (part + 1) * dims]) for part in range(4)))

    def pack(self) -> list[int]:
        """As one list of numbers, which an operator of torch takes."""
        return [*self.grid, *self.step, *self.count, *self.lead]

    @property
    def half(self) -> tuple[int, ...]:
        """Shape of a tile's half spectrum."""
        return (*self.grid[:-1], self.grid[-1] // 2 + 1)

    @property
    def frequencies(self) -> int:
        """Of a tile's half spectrum."""
        return math.prod(self.half)

    @property
    def rows(self) -> int:
        """Tiles per image."""
        return math.prod(self.count)

    def cut(self, images: Tensor) -> Tensor:
        """Overlapping tiles of images, zeros beyond them: (batch, channels, *n) -> (batch, channels, *count, *grid)."""
        return self._cut(images, self.grid, self.lead)

    def cut_outputs(self, images: Tensor) -> Tensor:
        """Tiles that do not overlap: (batch, channels, *size) -> (batch, channels, *count, *step)."""
        return self._cut(images, self.step, (0,) * len(self.step))

    def _cut(self, images: Tensor, width: tuple[int, ...], lead: tuple[int, ...]) -> Tensor:
        pads: list[int] = []
        for axis in reversed(range(len(width))):
            if self.count[axis] == 1 and lead[axis] == 0 and images.shape[axis + 2] <= width[axis]:
                pads += [0, 0]  # the transform fills up with zeros
                continue
            total = (self.count[axis] - 1) * self.step[axis] + width[axis]
            pads += [lead[axis], total - lead[axis] - images.shape[axis + 2]]
        if any(pads):
            images = F.pad(images, pads)
        for axis in range(len(width)):
            if self.count[axis] == 1:
                images = images.unsqueeze(axis + 2).movedim(axis + 3, -1)
            else:
                images = images.unfold(axis + 2, width[axis], self.step[axis])
        return images

    def join(self, tiles: Tensor, size: tuple[int, ...]) -> Tensor:
        """The outputs of tiles, side by side: (batch, channels, *count, *grid) -> (batch, channels, *size)."""
        dims = len(size)
        for axis in range(dims):
            tiles = tiles.narrow(2 + dims + axis, 0, min(self.step[axis], size[axis]))
        if self.rows == 1:
            return tiles.reshape(*tiles.shape[:2], *tiles.shape[2 + dims :])
        order = [part for axis in range(dims) for part in (2 + axis, 2 + dims + axis)]
        joined = tiles.permute(0, 1, *order).flatten(2, 3)
        for axis in range(1, dims):
            joined = joined.flatten(2 + axis, 3 + axis)
        for axis in range(dims):
            joined = joined.narrow(2 + axis, 0, size[axis])
        return joined

    def add(self, tiles: Tensor, n: tuple[int, ...]) -> Tensor:
        """The adjoint of `cut`, overlap-add: (batch, channels, *count, *grid) -> (batch, channels, *n)."""
        dims = len(n)
        for axis in range(dims):  # its tiles are dimension 2, its pixels dimension 2 + dims
            tiles = tiles.movedim((2, 2 + dims), (-2, -1))
            tiles = _overlapped(tiles, self.step[axis]) if self.count[axis] > 1 else tiles.squeeze(-2)
            lead = self.lead[axis]
            missing = lead + n[axis] - tiles.shape[-1]
            inside = lead >= 0 >= missing
            tiles = tiles.narrow(-1, lead, n[axis]) if inside else F.pad(tiles, (-lead, missing))
            dims -= 1
        return tiles


def _overlapped(tiles: Tensor, step: int) -> Tensor:
    """(..., count, width) -> (..., pixels), each tile `step` pixels after the one before."""
    count, width = tiles.shape[-2:]
    steps = -(-width // step)
    blocks = tiles.new_zeros(*tiles.shape[:-2], count + steps - 1, step)
    for number in range(steps):
        part = tiles[..., number * step : (number + 1) * step]
        blocks[..., number : number + count, : part.shape[-1]] += part
    return blocks.flatten(-2)
