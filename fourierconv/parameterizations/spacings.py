"""`spacings`: taps at learned positions."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn

from fourierconv.parameterizations.base import Coordinates, Parameterization, centre, lattice
from fourierconv.parameterizations.reference import OnGrid
from fourierconv.sharding import assign, whole
from fourierconv.takeover import made_by

NARROWEST = 0.27  # pixels; σ = |width| + this. A narrower Gaussian has no slope on the pixels next to it


class Spacings(OnGrid):
    """w[t] = Σ_j θ_j g(t; p_j, σ_j): every coefficient has a position p_j and a width σ_j of its own, both learned.

    g is a Gaussian sampled on the pixels and normalized to sum 1 along each axis. kernel_size^d taps per kernel lie
    anywhere in a window of `reference_grid` pixels per axis, 17 unless told otherwise. Parameters, besides the
    coefficients: `coordinates.positions` and `coordinates.widths`, (d, out, in/groups, *kernel_size), in pixels.

    Represents a few details far apart, which no subspace with fixed positions does at this price; what is dense and
    large it does not. Five times the parameters of a classic kernel in 2D, and dense taps, reference_grid^d per kernel.
    Positions start mostly within a pixel of the middle and move along local gradients: a tap feels what lies within
    about 2σ of it. `refresh` brings those back that have left the window. Kernels are compact, spectra trigonometric
    polynomials. Source: DCLS with Gaussian interpolation (Khalfaoui-Hassani, Pellegrini, Masquelier 2023, arXiv
    2306.00817), its initial values included.

    >>> from fourierconv import FourierConv2d
    >>> layer = FourierConv2d(1, 4, 3, parameterization="spacings", reference_grid=9)
    >>> layer.coordinates.positions.shape, layer.kernel().shape
    (torch.Size([2, 4, 1, 3, 3]), torch.Size([4, 1, 9, 9]))
    """

    name = "spacings"
    default_grid = 17

    def coordinates(self, shape: Sequence[int], grid: Sequence[int]) -> Coordinates:
        return Positions(shape, grid)

    def stretch(self, kernel_size: int, ratio: Fraction, scale: Tensor) -> tuple[Parameterization, Tensor]:
        n = self.grid(kernel_size)
        # a window that holds the farthest position, around the same centre; normalized, the Gaussians keep their sums
        stretched = Spacings(2 * math.ceil(n // 2 * ratio) + n % 2)
        return stretched, torch.eye(kernel_size, dtype=scale.dtype, device=scale.device).unsqueeze(0)


class Positions(Coordinates):
    """Coefficients -> dense taps, through the learned positions.

    >>> Positions((4, 1, 3, 3), (9, 7))(torch.ones(4, 1, 3, 3)).shape
    torch.Size([4, 1, 9, 7])
    """

    in_pixels = True

    def __init__(self, shape: Sequence[int], grid: Sequence[int]) -> None:
        super().__init__()
        self.grid = tuple(grid)
        self.positions = nn.Parameter(torch.empty(len(grid), *shape))
        self.widths = nn.Parameter(torch.empty(len(grid), *shape))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        nn.init.normal_(self.positions, 0.0, 0.5)
        nn.init.constant_(self.widths, 0.5 - NARROWEST)
        self.refresh()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Positions":
        """As matrices, for which no layout of images is asked: by their rank torch takes these for images."""

        def apply(tensor: Tensor) -> Tensor:
            matrix = tensor.flatten(1)
            applied = fn(matrix)
            return tensor if applied is matrix else applied.view(tensor.shape)

        super()._apply(apply, recurse)
        return self

    def forward(self, coefficients: Tensor) -> Tensor:
        return self._place(coefficients, self._profiles(coefficients.dtype))

    def _place(self, values: Tensor, profiles: Sequence[Tensor]) -> Tensor:
        """Σ_j values_j ⊗ profiles_j, the outer products summed by one matrix product per kernel."""
        placed = values.flatten(2).unsqueeze(-1)
        for own in profiles[:-1]:
            placed = (placed.unsqueeze(-1) * own.unsqueeze(-2)).flatten(-2)
        return (placed.mT @ profiles[-1]).reshape(*values.shape[:2], *self.grid)

    def _profiles(self, dtype: torch.dtype) -> list[Tensor]:
        """g of every axis, (out, in/groups, taps, grid)."""
        profiles = []
        for axis, n in enumerate(self.grid):
            own = self.positions[axis].flatten(2).to(dtype)
            edge = n // 2
            held = own.detach().clamp(-edge, edge) + (own - own.detach())  # held at the edge, where a gradient is left
            sigma = self.widths[axis].flatten(2).to(dtype).abs() + NARROWEST
            pixels = lattice(-((n - 1) // 2), n // 2, own.device).to(dtype) - centre(n)
            weights = ((pixels - held.unsqueeze(-1)) / sigma.unsqueeze(-1)).square().div(-2).softmax(-1)
            profiles.append(weights)
        return profiles

    @torch.no_grad()
    def energy(self) -> Tensor:
        squares = [own.square() for own in self._profiles(torch.float64)]
        return self._place(torch.ones_like(self.positions[0], dtype=torch.float64), squares).mean((0, 1))

    @torch.no_grad()
    def refresh(self) -> int:
        if self.positions.is_meta:
            return 0
        for name, parameter in (("positions", self.positions), ("widths", self.widths)):
            if not bool(whole(parameter).isfinite().all()):
                raise ValueError(f"coordinates.{name} must be finite, but holds NaN or Inf")
        positions = whole(self.positions)
        edges = torch.tensor([n // 2 for n in self.grid], device=positions.device)
        edges = edges.view(-1, *[1] * (positions.ndim - 1)).to(positions.dtype)
        held = int((positions.abs() > edges).sum())
        if held:
            assign(self.positions, positions.clamp(-edges, edges))
        return held

    @torch.no_grad()
    def stretch(self, ratios: Sequence[Fraction], grid: Sequence[int]) -> None:
        for made in (made_by(self, name) for name in ("positions", "widths")):
            if made is not None:
                raise ValueError(f"coordinates' parameters must be their own: {made}")
        ratio = torch.tensor(ratios, dtype=torch.float64, device=self.positions.device)
        ratio = ratio.view(-1, *[1] * (self.positions.ndim - 1))
        sigma = (self.widths.abs().double() + NARROWEST) * ratio
        if not sigma.is_meta and sigma.min() < NARROWEST:
            raise ValueError(f"coordinates.widths: σ={float(sigma.min()):g} pixels would be below {NARROWEST}")
        for name, value in (("positions", self.positions * ratio), ("widths", sigma - NARROWEST)):
            own = getattr(self, name)
            setattr(self, name, nn.Parameter(value.to(own), own.requires_grad))
        self.grid = tuple(grid)
