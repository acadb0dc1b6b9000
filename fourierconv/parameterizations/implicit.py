"""`implicit`: a small network over the frequencies makes the functions that the coefficients combine."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fourierconv.parameterizations.base import Coordinates, lattice, origin
from fourierconv.parameterizations.reference import OnGrid
from fourierconv.separable import LONG, combine, dft

HIDDEN = 32  # units of each of the two hidden layers


class Implicit(OnGrid):
    """Ŵ(u) = Σ_c θ_c H[φ_c](u), φ a network with learned weights and H the projection on the spectra of real kernels.

    φ: (cos 2πu, sin 2πu) of every axis -> 32 sines -> 32 sines -> kernel_size^d complex numbers, shared by the layer's
    kernels. It is periodic, so its spectra are smooth around the circle. It is evaluated at the frequencies of the
    reference grid, 32 unless told otherwise, and its inverse DFT there is the kernel.

    Represents spectra as rough as the network's weights make them: the size of the kernels is learned, without a number
    that says so, and read by `extent`. All kernels of a layer are combinations of the same kernel_size^d; beyond the
    reference grid they wrap around. Cost: the network at reference_grid^d frequencies per step, and dense taps. Its
    weights are no pixels and learn at the ordinary rate. Source: NIFF (Grabinski, Keuper, Keuper 2024, TMLR,
    openreview.net/forum?id=xRy1YRcHWj), a network over frequencies whose last layer the coefficients are; sines as in
    FlexConv (Romero et al. 2022, arXiv 2110.08059), whose mask is `window=`.

    >>> from fourierconv import FourierConv2d
    >>> layer = FourierConv2d(1, 4, 3, parameterization="implicit", window=3.0)
    >>> layer.coefficients.shape, layer.kernel(31).shape
    (torch.Size([4, 1, 3, 3]), torch.Size([4, 1, 31, 31]))
    """

    name = "implicit"
    default_grid = 32

    def coordinates(self, shape: Sequence[int], grid: Sequence[int]) -> Coordinates:
        return FrequencyNetwork(shape[2:], grid)


class FrequencyNetwork(Coordinates):
    """Coefficients -> dense taps, through the network's spectra.

    >>> FrequencyNetwork((3, 3), (8, 6))(torch.ones(4, 1, 3, 3)).shape
    torch.Size([4, 1, 8, 6])
    """

    def __init__(self, kernel_size: Sequence[int], grid: Sequence[int]) -> None:
        super().__init__()
        self.kernel_size, self.grid = tuple(kernel_size), tuple(grid)
        self.first = nn.Linear(2 * len(self.grid), HIDDEN)
        self.second = nn.Linear(HIDDEN, HIDDEN)
        self.last = nn.Linear(HIDDEN, 2 * math.prod(self.kernel_size))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        for layer in (self.first, self.second, self.last):
            layer.reset_parameters()
        # sin(r·cos 2πu) in frequency is a kernel of reach r in space: start as large as a classic one
        for axis, k in enumerate(self.kernel_size):
            nn.init.uniform_(self.first.weight[:, 2 * axis : 2 * axis + 2], -k / 2, k / 2)

    def forward(self, coefficients: Tensor) -> Tensor:
        functions = self._functions(coefficients.dtype)
        return (coefficients.flatten(2) @ functions.flatten(1)).unflatten(-1, self.grid)

    def _functions(self, dtype: torch.dtype) -> Tensor:
        """What the coefficients combine, as taps, (coefficients, *grid)."""
        device = self.first.weight.device
        turns = torch.meshgrid(
            *(2 * math.pi / n * torch.arange(n, dtype=dtype, device=device) for n in self.grid), indexing="ij"
        )
        inputs = torch.stack([value for turn in turns for value in (turn.cos(), turn.sin())], -1)
        hidden = _affine(_affine(inputs, self.first).sin(), self.second).sin()
        values = _affine(hidden, self.last).unflatten(-1, (2, -1))
        spectra = torch.complex(values[..., 0, :], values[..., 1, :]).movedim(-1, 0).unsqueeze(1)
        inverses: list[Tensor | None] = []
        for axis, n in enumerate(self.grid, 2):
            if n * n > LONG:
                spectra = torch.fft.ifft(spectra, dim=axis).roll(origin(n), axis)
                inverses.append(None)
                continue
            positions = lattice(-((n - 1) // 2), n // 2, device)
            inverses.append(dft(n, positions, n, dtype).conj().T.unsqueeze(0) / n)
        return combine(spectra, inverses).real.squeeze(1)  # the real part in space is the projection in frequency

    @torch.no_grad()
    def energy(self) -> Tensor:
        return self._functions(torch.float64).square().sum(0)


def _affine(inputs: Tensor, layer: nn.Linear) -> Tensor:
    return nn.functional.linear(inputs, layer.weight.to(inputs.dtype), layer.bias.to(inputs.dtype))
