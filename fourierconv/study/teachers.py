"""Kernels of known extent, from no contender's family: what students of the size-recovery experiment have to find."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

REACH = 31  # the lattice runs from -REACH to REACH: it fits a circular image of 64 pixels
OVERSAMPLING = 8  # shapes with an edge are drawn on a finer lattice and averaged


@dataclass(frozen=True)
class Teacher:
    """A family of kernels at one size.

    Attributes:
        name: as in the tables.
        draw: makes the kernels, (kernels, 63, 63), from coordinates in pixels, (63, 63) each.
        sharp: whether the shape has an edge, so that pixels hold the share of their area inside it.
    """

    name: str
    draw: Callable[[Tensor, Tensor], Tensor]
    sharp: bool = False

    def kernels(self) -> Tensor:
        """Taps of unit energy, (kernels, 1, 63, 63), float64, the origin in the middle.

        >>> get("disc_5").kernels().shape
        torch.Size([1, 1, 63, 63])
        """
        fine = OVERSAMPLING if self.sharp else 1
        count = (2 * REACH + 1) * fine
        axis = (torch.arange(count, dtype=torch.float64) - (count - 1) / 2) / fine
        taps = self.draw(axis[:, None], axis[None, :]).unsqueeze(1)
        taps = torch.nn.functional.avg_pool2d(taps, fine)
        return taps / taps.square().sum((-2, -1), keepdim=True).sqrt()


def _gaussian_derivatives(sigma: float) -> Callable[[Tensor, Tensor], Tensor]:
    """First and second derivatives: x, y, xx, xy, yy."""

    def draw(y: Tensor, x: Tensor) -> Tensor:
        u, v = x / sigma, y / sigma
        gaussian = torch.exp(-(u**2 + v**2) / 2)
        return torch.stack([f * gaussian for f in (u + 0 * v, v + 0 * u, u**2 - 1 + 0 * v, u * v, v**2 - 1 + 0 * u)])

    return draw


def _gabor(sigma: float, wavelength: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Odd Gabor functions in four orientations."""

    def draw(y: Tensor, x: Tensor) -> Tensor:
        envelope = torch.exp(-(x**2 + y**2) / (2 * sigma**2))
        waves = [2 * math.pi / wavelength * along for along in _rotated(y, x)]
        return torch.stack([envelope * wave.sin() for wave in waves])

    return draw


def _disc(radius: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda y, x: (torch.hypot(y, x) <= radius).to(y.dtype).unsqueeze(0)


def _ring(inner: float, outer: float) -> Callable[[Tensor, Tensor], Tensor]:
    def draw(y: Tensor, x: Tensor) -> Tensor:
        radius = torch.hypot(y, x)
        return ((radius >= inner) & (radius <= outer)).to(y.dtype).unsqueeze(0)

    return draw


def _bar(length: float, width: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Bars in four orientations."""

    def draw(y: Tensor, x: Tensor) -> Tensor:
        along = _rotated(y, x)
        across = along[2:] + [-direction for direction in along[:2]]
        inside = [(a.abs() <= length / 2) & (b.abs() <= width / 2) for a, b in zip(along, across, strict=True)]
        return torch.stack(inside).to(y.dtype)

    return draw


def _rotated(y: Tensor, x: Tensor) -> list[Tensor]:
    """Coordinates along the directions 0, 45, 90 and 135 degrees."""
    angles = [number * math.pi / 4 for number in range(4)]
    return [x * math.cos(angle) + y * math.sin(angle) for angle in angles]


TEACHERS: tuple[Teacher, ...] = (
    *(Teacher(f"gaussian_{sigma:g}", _gaussian_derivatives(sigma)) for sigma in (0.7, 1.0, 2.0, 4.0, 8.0)),
    Teacher("gabor_3", _gabor(3.0, 6.0)),
    Teacher("disc_5", _disc(5.0), sharp=True),
    Teacher("ring_6", _ring(4.5, 6.0), sharp=True),
    Teacher("bar_13", _bar(13.0, 3.0), sharp=True),
)
NAMES = tuple(teacher.name for teacher in TEACHERS)


def get(name: str) -> Teacher:
    """The teacher of that name.

    Raises:
        ValueError: an unknown name; the message lists the known ones.
    """
    for teacher in TEACHERS:
        if teacher.name == name:
            return teacher
    raise ValueError(f"teacher {name!r} is unknown; choose from {', '.join(NAMES)}")
