"""Equations (1), (2) and (3) on spectra as the transforms leave them, frequencies last, by Triton's kernels.

    X̂ (batch, groups, in/groups, tiles, frequencies),    Ŵ (out, in/groups, frequencies)

Nothing is permuted, and no spectrum is read or written but by a transform or a product.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fourierconv.engines.contraction import Contraction
from fourierconv.engines.launch import HalfWeights, Layout, assemble, cut, product


@dataclass(frozen=True)
class FrequencyLast(Contraction):
    """The three equations for one layout of the images.

    What is kept of the images for the backward pass is X̂ itself, as a view whose first dimensions are those of
    `Contraction`: (frequency, groups, images, tiles, in/groups).
    """

    @property
    def name(self) -> str:
        """Of the engine."""
        return "triton"

    def forward(self, input: Tensor, spectrum: Tensor, size: tuple[int, ...], keep: bool) -> tuple[Tensor, Tensor]:
        """Equation (1): arguments and results are those of `Contraction.forward`, but X̂ for X̄."""
        nothing = self.blank(spectrum, 0, self.inner)
        if input.shape[0] == 0:
            return input.new_empty(0, self.groups * self.out, *size), nothing
        with self._explained():
            images = self._analyse(input, self._inputs(input.shape[2:]))
            weights = self._kernels(spectrum)  # (groups, out, in, frequency)
            if self.pointwise:
                sums = images * weights.conj()
            else:
                sums = images.new_empty(images.shape[0], self.groups, self.out, *images.shape[3:])
                product(_terms(images), weights.transpose(1, 2).unsqueeze(2), _rows(sums), conj_b=True)
            output = self._synthesise(sums, self._outputs(size))
        return output, images.permute(4, 1, 0, 3, 2) if keep else nothing

    def backward(
        self,
        grad: Tensor,
        input: Tensor,
        spectrum: Tensor,
        images: Tensor,
        wants_input: bool,
        wants_spectrum: bool,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Equations (2) and (3) from one transform of dL/dy: arguments and results are those of `Contraction`."""
        grad_input = grad_spectrum = None
        with self._explained():
            if grad.shape[0] == 0:
                empty = input.new_empty(input.shape) if wants_input else None
                return empty, self.channels_first(self.sums(spectrum).zero_()) if wants_spectrum else None
            inputs = self._inputs(input.shape[2:])
            errors = self._analyse(grad, self._outputs(grad.shape[2:]))
            if wants_spectrum:
                kept = images.shape[2] > 0
                own = images.permute(2, 1, 4, 3, 0).contiguous() if kept else self._analyse(input, inputs)
                sums = self.sums(spectrum)  # (frequency, groups, out, in)
                rows = errors.permute(1, 2, 0, 3, 4).unsqueeze(2)  # (groups, out, 1, batch, tiles, frequency)
                written = sums.permute(1, 2, 3, 0).unsqueeze(2)
                product(rows, own.permute(1, 0, 3, 2, 4), written, conj_a=True, weights=self._half_weights())
                grad_spectrum = self.channels_first(sums)
                del own
            if wants_input:
                weights = self._kernels(spectrum)
                if self.pointwise:
                    sums = errors * weights
                else:
                    sums = errors.new_empty(errors.shape[0], self.groups, self.inner, *errors.shape[3:])
                    product(_terms(errors), weights.unsqueeze(2), _rows(sums))
                del errors
                grad_input = self._synthesise(sums, inputs)
        return grad_input, grad_spectrum

    # --- layouts ---

    def blank(self, like: Tensor, images: int, channels: int) -> Tensor:
        """Room for spectra of so many images, (frequency, groups, images, tiles, channels)."""
        tiles = self.tiles
        return like.new_empty(images, self.groups, channels, tiles.rows, tiles.frequencies).permute(4, 1, 0, 3, 2)

    def sums(self, like: Tensor) -> Tensor:
        """Room for the products of equation (3), (frequency, groups, out, inner)."""
        return like.new_empty(self.groups, self.out, self.inner, self.tiles.frequencies).permute(3, 0, 1, 2)

    def _kernels(self, spectrum: Tensor) -> Tensor:
        """(out, in/groups, *half) -> (groups, out, inner, frequency); no copy if its frequencies are the last."""
        return spectrum.contiguous().view(self.groups, self.out, self.inner, self.tiles.frequencies)

    def _half_weights(self) -> HalfWeights:
        """Of a gradient with respect to a half spectrum."""
        grid, columns = self.tiles.grid, self.tiles.half[-1]
        return HalfWeights(columns, columns - 1 if grid[-1] % 2 == 0 else -1, 1 / math.prod(grid))

    # --- transforms ---

    def _inputs(self, n: Sequence[int]) -> Layout:
        """How input images lie on the tiles: overlap-save, and overlap-add for their gradient."""
        return Layout(tuple(n), self.tiles, self.tiles.grid, self.tiles.lead)

    def _outputs(self, size: Sequence[int]) -> Layout:
        """How output images do: side by side."""
        return Layout(tuple(size), self.tiles, self.tiles.step, (0,) * len(size))

    def _analyse(self, images: Tensor, layout: Layout) -> Tensor:
        """(batch, channels, *n) -> (batch, groups, channels of a group, tiles, frequency)."""
        spectra = torch.fft.rfftn(cut(images, layout), dim=self._axes)
        spectra = spectra.reshape(images.shape[0], self.groups, -1, self.tiles.rows, self.tiles.frequencies)
        return spectra.contiguous()

    def _synthesise(self, spectra: Tensor, layout: Layout) -> Tensor:
        """(batch, groups, channels of a group, tiles, frequency) -> (batch, channels, *n)."""
        tiles = self.tiles
        own = spectra.view(spectra.shape[0], -1, *tiles.count, *tiles.half)
        grids = torch.fft.irfftn(own, s=tiles.grid, dim=self._axes, norm="forward")  # `assemble` divides
        return assemble(grids, layout, 1 / math.prod(tiles.grid))

    @property
    def _axes(self) -> tuple[int, ...]:
        """Of the transforms, the last ones."""
        return tuple(range(-len(self.tiles.grid), 0))


def _terms(spectra: Tensor) -> Tensor:
    """(batch, groups, channels, tiles, frequency) -> (groups, batch, tiles, channels, 1, frequency)."""
    return _rows(spectra).unsqueeze(4)


def _rows(spectra: Tensor) -> Tensor:
    """(batch, groups, channels, tiles, frequency) -> (groups, batch, tiles, channels, frequency)."""
    return spectra.permute(1, 0, 3, 2, 4)
