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
from fourierconv.engines.kernel_spectra import Given, KernelSpectra
from fourierconv.engines.launch import Layout, assemble, cut, product


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
        output, images = self.apply(input, Given(self.tiles, spectrum), size)
        return output, (images if keep else images[:0]).permute(4, 1, 0, 3, 2)

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
        kernels = Given(self.tiles, spectrum)
        kept = images.permute(2, 1, 4, 3, 0) if images.numel() > 0 else None
        grad_input = self.differentiate(grad, input, kernels, kept, wants_input, wants_spectrum)
        return grad_input, kernels.gradient

    def apply(self, input: Tensor, kernels: KernelSpectra, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Equation (1).

        Args:
            input: real, (batch, in, *n).
            kernels: Ŵ.
            size: pixels of the output.

        Returns:
            The output, (batch, out, *size), and X̂, (batch, groups, in/groups, tiles, frequency).
        """
        with self._explained():
            images = self._analyse(input, self._inputs(input.shape[2:]))
            sums = images.new_empty(images.shape[0], self.groups, self.out, *images.shape[3:])
            for part in kernels.parts():
                weights = self._grouped(kernels.spectra(part))  # (groups, out, in, frequency)
                own, written = images[..., part], sums[..., part]
                if self.pointwise:
                    torch.mul(own, weights.conj(), out=written)
                else:
                    product(_terms(own), weights.transpose(1, 2).unsqueeze(2), _rows(written), conj_b=True)
            return self._synthesise(sums, self._outputs(size)), images

    def differentiate(
        self,
        grad: Tensor,
        input: Tensor,
        kernels: KernelSpectra,
        images: Tensor | None,
        wants_input: bool,
        wants_kernels: bool,
    ) -> Tensor | None:
        """Equations (2) and (3).

        Args:
            grad: dL/dy, (batch, out, *size).
            input: as in the forward pass; its values are used only without X̂.
            kernels: Ŵ, which collect their gradient.
            images: X̂, or None to compute it again.
            wants_input, wants_kernels: which gradients to compute.

        Returns:
            dL/dx, (batch, in, *n), or None.
        """
        with self._explained():
            inputs = self._inputs(input.shape[2:])
            errors = self._analyse(grad, self._outputs(grad.shape[2:]))
            if wants_kernels:
                images = self._analyse(input, inputs) if images is None else images.contiguous()
                rows = errors.permute(1, 2, 0, 3, 4).unsqueeze(2)  # (groups, out, 1, batch, tiles, frequency)
                terms = images.permute(1, 0, 3, 2, 4)
                for part in kernels.parts():
                    found = errors.new_empty(self.groups, self.out, self.inner, part.stop - part.start)
                    weights = kernels.half_weights()
                    product(rows[..., part], terms[..., part], found.unsqueeze(2), conj_a=True, weights=weights)
                    kernels.collect(part, found.flatten(0, 1))
            del images
            if not wants_input:
                return None
            sums = errors.new_empty(errors.shape[0], self.groups, self.inner, *errors.shape[3:])
            for part in kernels.parts():
                own, written = errors[..., part], sums[..., part]
                spectra = self._grouped(kernels.spectra(part))
                if self.pointwise:
                    torch.mul(own, spectra, out=written)
                else:
                    product(_terms(own), spectra.unsqueeze(2), _rows(written))
            del errors
            return self._synthesise(sums, inputs)

    # --- layouts ---

    def blank(self, like: Tensor, images: int, channels: int) -> Tensor:
        """Room for spectra of so many images, (frequency, groups, images, tiles, channels)."""
        tiles = self.tiles
        return like.new_empty(images, self.groups, channels, tiles.rows, tiles.frequencies).permute(4, 1, 0, 3, 2)

    def sums(self, like: Tensor) -> Tensor:
        """Room for the products of equation (3), (frequency, groups, out, inner)."""
        return like.new_empty(self.groups, self.out, self.inner, self.tiles.frequencies).permute(3, 0, 1, 2)

    def _grouped(self, spectra: Tensor) -> Tensor:
        """(out, in/groups, frequency) -> (groups, out, inner, frequency)."""
        return spectra.unflatten(0, (self.groups, self.out))

    # --- transforms ---

    def _inputs(self, n: Sequence[int]) -> Layout:
        """How input images lie on the tiles: overlap-save, and overlap-add for their gradient."""
        return Layout(tuple(n), self.tiles, self.tiles.grid, self.tiles.lead)

    def _outputs(self, size: Sequence[int]) -> Layout:
        """How output images do: side by side."""
        return Layout(tuple(size), self.tiles, self.tiles.step, (0,) * len(size))

    def _analyse(self, images: Tensor, layout: Layout) -> Tensor:
        """(batch, channels, *n) -> (batch, groups, channels of a group, tiles, frequency)."""
        tiles = self.tiles
        shape = (images.shape[0], self.groups, images.shape[1] // self.groups, tiles.rows, tiles.frequencies)
        if images.shape[0] == 0:
            return images.new_empty(shape, dtype=torch.complex64)
        return torch.fft.rfftn(cut(images, layout), dim=self._axes).reshape(shape).contiguous()

    def _synthesise(self, spectra: Tensor, layout: Layout) -> Tensor:
        """(batch, groups, channels of a group, tiles, frequency) -> (batch, channels, *n)."""
        tiles = self.tiles
        if spectra.shape[0] == 0:
            return spectra.real.new_empty(0, spectra.shape[1] * spectra.shape[2], *layout.n)
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
