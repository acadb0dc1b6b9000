"""Equations (1), (2) and (3) on spectra as the transforms leave them, frequencies last, by Triton's kernels.

    X̂ (batch, groups, in/groups, tiles, frequencies),    Ŵ (out, in/groups, frequencies)

Nothing is permuted, and no spectrum is read or written but by a transform or a product.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from fourierconv.engines.contraction import Contraction
from fourierconv.engines.kernel_spectra import Given, KernelSpectra
from fourierconv.engines.launch import HalfWeights, Layout, Product, laid_out
from fourierconv.engines.transforms import analyse, synthesise


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
        output, images = self.apply(input, Given(self.tiles, spectrum), size, keep)
        if images is None:
            return output, self.blank(spectrum, 0, self.inner)
        kept = images.view(-1, self.groups, self.inner, self.tiles.rows, self.tiles.frequencies)
        return output, kept.permute(4, 1, 0, 3, 2)

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
        kept = [images.permute(2, 1, 4, 3, 0).contiguous()] if images.numel() > 0 else []
        grad_input = self.differentiate(grad, input, kernels, kept, wants_input, wants_spectrum)
        return grad_input, kernels.gradient

    def apply(
        self, input: Tensor, kernels: KernelSpectra, size: tuple[int, ...], keep: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Equation (1).

        Args:
            input: real, (batch, in, *n).
            kernels: Ŵ.
            size: pixels of the output.
            keep: whether X̂ is needed after it, and Ŵ with it.

        Returns:
            The output, (batch, out, *size), and X̂, (batch, in, *count, *half), None where it is not kept.
        """
        with self._explained():
            images = analyse(input, self._inputs(tuple(input.shape[2:])))
            sums = self._multiplied(0, images, kernels)
            kept = images if keep else None
            del images
            if not keep:
                kernels.release()
            return synthesise(sums, self._outputs(size)), kept

    def differentiate(
        self,
        grad: Tensor,
        input: Tensor,
        kernels: KernelSpectra,
        kept: list[Tensor],
        wants_input: bool,
        wants_kernels: bool,
    ) -> Tensor | None:
        """Equations (2) and (3).

        Args:
            grad: dL/dy, (batch, out, *size).
            input: as in the forward pass; its values are used only without X̂.
            kernels: Ŵ, which collect their gradient, and are not asked for again.
            kept: X̂, contiguous, or nothing to compute it again. It is taken out, to be freed when it was used.
            wants_input, wants_kernels: which gradients to compute.

        Returns:
            dL/dx, (batch, in, *n), or None.
        """
        with self._explained():
            inputs = self._inputs(tuple(input.shape[2:]))
            errors = analyse(grad, self._outputs(tuple(grad.shape[2:])))
            if wants_kernels:
                self._collect(errors, kept.pop() if kept else analyse(input, inputs), kernels)
            kept.clear()
            if not wants_input:
                return None
            sums = self._multiplied(1, errors, kernels)
            kernels.release()
            del errors
            return synthesise(sums, inputs)

    def _multiplied(self, number: int, spectra: Tensor, kernels: KernelSpectra) -> Tensor:
        """Equation (1) by number 0, (2) by 1: of (batch, channels, *count, *half) those of the other channels."""
        sums = self._blank(spectra, (self.out, self.inner)[number])
        for part in kernels.parts():
            weights, own, written = kernels.spectra(part), self._of(spectra, part), self._of(sums, part)
            if self.pointwise:
                torch.mul(own, self._pointwise(weights if number else weights.conj()), out=written)
            else:
                _equations(self, spectra.shape[0], part.stop - part.start, None)[number](own, weights, written)
        return sums

    def _collect(self, errors: Tensor, images: Tensor, kernels: KernelSpectra) -> None:
        """Equation (3), for the kernels to collect."""
        for part in kernels.parts():
            length = part.stop - part.start
            found = errors.new_empty(self.groups * self.out, self.inner, length)
            third = _equations(self, errors.shape[0], length, kernels.half_weights())[2]
            third(self._of(errors, part), self._of(images, part), found)
            kernels.collect(part, found)
            del found

    # --- layouts ---

    def blank(self, like: Tensor, images: int, channels: int) -> Tensor:
        """Room for spectra of so many images, (frequency, groups, images, tiles, channels)."""
        tiles = self.tiles
        return like.new_empty(images, self.groups, channels, tiles.rows, tiles.frequencies).permute(4, 1, 0, 3, 2)

    def sums(self, like: Tensor) -> Tensor:
        """Room for the products of equation (3), (frequency, groups, out, inner)."""
        return like.new_empty(self.groups, self.out, self.inner, self.tiles.frequencies).permute(3, 0, 1, 2)

    def _blank(self, like: Tensor, channels: int) -> Tensor:
        """Room for spectra of as many images, (batch, channels of all groups, *count, *half)."""
        tiles = self.tiles
        return like.new_empty(like.shape[0], self.groups * channels, *tiles.count, *tiles.half)

    def _of(self, spectra: Tensor, part: slice) -> Tensor:
        """Some of the frequencies; where they are taken apart, (batch, channels, tiles, frequency)."""
        tiles = self.tiles
        if part.stop - part.start == tiles.frequencies and not self.pointwise:
            return spectra
        return spectra.view(*spectra.shape[:2], tiles.rows, tiles.frequencies)[..., part]

    def _pointwise(self, weights: Tensor) -> Tensor:
        """(channels, 1, frequency) as factors of (batch, channels, tiles, frequency)."""
        return weights.view(1, self.groups, 1, -1)

    def _inputs(self, n: tuple[int, ...]) -> Layout:
        """How input images lie on the tiles: overlap-save, and overlap-add for their gradient."""
        return laid_out(n, self.tiles, self.tiles.grid, self.tiles.lead)

    def _outputs(self, size: tuple[int, ...]) -> Layout:
        """How output images do: side by side."""
        return laid_out(size, self.tiles, self.tiles.step, (0,) * len(size))


@lru_cache(maxsize=1024)
def _equations(
    own: FrequencyLast, batch: int, length: int, weights: HalfWeights | None
) -> tuple[Product, Product, Product]:
    """Equations (1), (2) and (3) on so many frequencies of all."""
    groups, out, inner, tiles = own.groups, own.out, own.inner, own.tiles.rows
    tile = own.tiles.frequencies
    channel = tiles * tile

    def spectra(channels: int) -> tuple[int, int]:
        """From one group to the next, and from one image to the next."""
        return channels * channel, groups * channels * channel

    (x_group, x_image), (y_group, y_image) = spectra(inner), spectra(out)
    kernels = out * inner * length  # of a group
    first = Product(
        groups, batch, tiles, out, inner, 1, length,
        (x_group, x_image, tile, channel, 0), (kernels, length, 0, inner * length), (y_group, y_image, tile, channel),
        conj_b=True,
    )  # fmt: skip
    second = Product(
        groups, batch, tiles, inner, out, 1, length,
        (y_group, y_image, tile, channel, 0), (kernels, inner * length, 0, length), (x_group, x_image, tile, channel),
    )  # fmt: skip
    third = Product(
        groups, out, 1, inner, batch, tiles, length,
        (y_group, channel, 0, y_image, tile), (x_group, x_image, tile, channel), (kernels, inner * length, 0, length),
        conj_a=True, weights=weights,
    )  # fmt: skip
    return first, second, third
