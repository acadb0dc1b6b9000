"""Equations (1), (2) and (3) on spectra of tiles: transforms, one batched matrix product each, and transforms back.

Spectra stand with the frequencies first, (frequency, group, row, channel), a row being a tile of an image, so that each
equation is one batched product. On a CPU the work goes in parts: what was transformed is in cache when it is laid out,
and temporaries fit into memory that was used before, where fresh memory costs more than the products do. Where groups
have one channel in and one out, products are elementwise, and spectra stay as the transform leaves them; of sequences
they do where groups have one channel in or one out. Images with one channel on one side alone would round the study's
committed runs anew.

No large spectrum is copied to be conjugated: with X̄ kept, (1) is Ȳ = X̄ Wᵀ and (3) is conj(Gᵀ X̄), in place.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from fourierconv.engines.tiles import Tiles

TRANSFORMED = 2**22  # bytes of spectra that are transformed at a time
MULTIPLIED = 2**25  # bytes of spectra that are multiplied at a time
ROWS = 16  # of a product at least, as the kernels' spectra are read again for every part
RUN = 8  # channels that are laid out at a time at least: a line of cache


@dataclass(frozen=True)
class Contraction:
    """The three equations for one layout of the images.

    Attributes:
        tiles: how images are cut.
        groups: of channels.
        out, inner: channels of the output and of the input, per group.
    """

    tiles: Tiles
    groups: int
    out: int
    inner: int

    @property
    def name(self) -> str:
        """Of the engine."""
        return "whole" if self.tiles.rows == 1 else "tiled"

    @property
    def pointwise(self) -> bool:
        """Whether products are elementwise."""
        return self.out == self.inner == 1

    @property
    def thin(self) -> bool:
        """Whether spectra stay as the transform leaves them, frequencies last: products are of vectors."""
        return self.pointwise or (min(self.out, self.inner) == 1 and len(self.tiles.grid) == 1)

    def forward(self, input: Tensor, spectrum: Tensor, size: tuple[int, ...], keep: bool) -> tuple[Tensor, Tensor]:
        """Equation (1).

        Args:
            input: real, (batch, in, *n).
            spectrum: Ŵ, (out, in/groups, *half).
            size: pixels of the output.
            keep: whether X̄ is wanted; otherwise it has no rows.

        Returns:
            The output, (batch, out, *size), and X̄, (frequency, groups, rows, in/groups).
        """
        batch = input.shape[0]
        with self._explained():
            weights = self.frequency_first(spectrum)
            output = input.new_empty(batch, self.groups * self.out, *size)
            images = self.blank(spectrum, batch if keep else 0, self.inner)
            for part, rows in self._parts(output):
                own = images[:, :, rows] if keep else self.blank(spectrum, part.stop - part.start, self.inner)
                self.analyse(self.tiles.cut, input[part], own, conjugate=True)
                product = self._multiply(own, weights.mT).conj_physical_()
                self.synthesise(product, lambda grids: self.tiles.join(grids, size), output[part])
        return output, images

    def backward(
        self,
        grad: Tensor,
        input: Tensor,
        spectrum: Tensor,
        images: Tensor,
        wants_input: bool,
        wants_spectrum: bool,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Equations (2) and (3) from one transform of dL/dy.

        Args:
            grad: dL/dy, (batch, out, *size).
            input: as in the forward pass; its values are used only where X̄ has no rows.
            spectrum: Ŵ; its values are used only for (2).
            images: X̄, or what has no rows; then it is computed again.
            wants_input, wants_spectrum: which gradients to compute.

        Returns:
            dL/dx, (batch, in, *n), and the gradient of the half spectrum, (out, in/groups, *half), each or None.
        """
        with self._explained():
            n = tuple(input.shape[2:])
            weights = self.frequency_first(spectrum) if wants_input else None
            grad_input = input.new_empty(input.shape) if wants_input else None
            sums: Tensor | None = None
            for part, rows in self._parts(grad):
                errors = self.blank(spectrum, part.stop - part.start, self.out)
                self.analyse(self.tiles.cut_outputs, grad[part], errors)
                if weights is not None and grad_input is not None:
                    product = self._multiply(errors, weights)
                    self.synthesise(product, lambda grids: self.tiles.add(grids, n), grad_input[part])
                    del product
                if wants_spectrum:
                    own = images[:, :, rows]
                    if images.shape[2] == 0:
                        own = self.blank(spectrum, part.stop - part.start, self.inner)
                        self.analyse(self.tiles.cut, input[part], own, conjugate=True)
                    sums = self._accumulate(errors, own, sums)
            if not wants_spectrum:
                return grad_input, None
            if sums is None:  # no images
                sums = self.sums(spectrum).zero_()
            return grad_input, self._spectrum_gradient(sums)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Where memory runs out, the error says for what, and what needs less."""
        try:
            yield
        except RuntimeError as error:  # torch.OutOfMemoryError is one
            asked = re.search(r"you tried to allocate (\d+ bytes)|Tried to allocate ([\d.]+ \w+)", str(error))
            if asked is None:
                raise
            raise type(error)(
                f"engine={self.name!r} asked for {asked[1] or asked[2]}, and there is no memory left; recompute=True "
                f"does not keep spectra of images, engine='direct' needs none at all, and a smaller batch less of "
                f"everything"
            ) from error

    # --- layouts ---

    def frequency_first(self, spectrum: Tensor) -> Tensor:
        """(out, in/groups, *half) -> (frequency, group, out, inner); no copy if its memory is laid out so."""
        if self.thin:
            channels = spectrum.flatten(2).contiguous()
            return channels.view(self.groups, self.out, self.inner, -1).permute(3, 0, 1, 2)
        leading = spectrum.permute(*range(2, spectrum.ndim), 0, 1).contiguous()
        return leading.view(-1, self.groups, self.out, self.inner)

    def blank(self, like: Tensor, images: int, channels: int) -> Tensor:
        """Room for spectra of so many images, (frequency, group, row, channel)."""
        rows, frequencies = images * self.tiles.rows, self.tiles.frequencies
        if self.thin:
            return like.new_empty(self.groups, rows, channels, frequencies).permute(3, 0, 1, 2)
        return like.new_empty(frequencies, self.groups, rows, channels)

    def sums(self, like: Tensor) -> Tensor:
        """Room for the products of equation (3), (frequency, group, out, inner)."""
        if self.thin:
            return like.new_empty(self.groups, self.out, self.inner, self.tiles.frequencies).permute(3, 0, 1, 2)
        return like.new_empty(self.tiles.frequencies, self.groups, self.out, self.inner)

    def _spectrum_gradient(self, sums: Tensor) -> Tensor:
        """conj(Gᵀ X̄) -> the gradient with respect to a half spectrum: other columns than DC and Nyquist count twice."""
        grid, half = self.tiles.grid, self.tiles.half
        sums = sums.conj_physical_().mul_(2 / math.prod(grid))
        columns = sums.unflatten(0, half)
        once = [0, half[-1] - 1] if grid[-1] % 2 == 0 else [0]
        for column in once:
            columns.select(len(half) - 1, column).mul_(0.5)
        return self.channels_first(sums)

    def channels_first(self, sums: Tensor) -> Tensor:
        """(frequency, group, out, inner) -> (out, in/groups, *half), a view."""
        return sums.unflatten(0, self.tiles.half).flatten(-3, -2).movedim((-2, -1), (0, 1))

    # --- products ---

    def _multiply(self, rows: Tensor, weights: Tensor) -> Tensor:
        """Per frequency and group, rows (row, channel) times weights (channel, other channel)."""
        if not self.thin:
            product = torch.bmm(rows.flatten(0, 1), weights.flatten(0, 1))
            return product.unflatten(0, rows.shape[:2])
        rows, weights = rows.movedim(0, -1), weights.movedim(0, -1)  # (group, .., .., frequency), as in memory
        product = rows[:, :, :1] * weights[:, :1]
        for channel in range(1, rows.shape[2]):
            product.addcmul_(rows[:, :, channel : channel + 1], weights[:, channel : channel + 1])
        return product.movedim(-1, 0)

    def _accumulate(self, errors: Tensor, images: Tensor, sums: Tensor | None) -> Tensor:
        """Per frequency and group, Gᵀ X̄, added to `sums`."""
        if self.thin:
            product = self._outer(errors.movedim(0, -1).unsqueeze(3), images.movedim(0, -1).unsqueeze(2))
            return product.movedim(-1, 0) if sums is None else sums.add_(product.movedim(-1, 0))
        errors, images = errors.flatten(0, 1).mT, images.flatten(0, 1)
        if sums is None:
            return torch.bmm(errors, images).unflatten(0, (-1, self.groups))
        sums.flatten(0, 1).baddbmm_(errors, images)
        return sums

    def _outer(self, errors: Tensor, images: Tensor) -> Tensor:
        """Sums over rows of (group, row, out, 1, frequency) times (group, row, 1, inner, frequency)."""
        if self.pointwise:
            return (errors * images).sum(1)
        product = errors[:, 0] * images[:, 0]
        for row in range(1, errors.shape[1]):
            product.addcmul_(errors[:, row], images[:, row])
        return product

    # --- transforms ---

    def _parts(self, outputs: Tensor) -> Iterator[tuple[slice, slice]]:
        """Images whose spectra are multiplied at a time, and their rows."""
        tiles, most = self.tiles.rows, outputs.shape[0]
        if outputs.is_cpu:
            numbers = tiles * self.tiles.frequencies * self.groups * max(self.out, self.inner)
            most = max(MULTIPLIED // (2 * outputs.element_size() * numbers), -(-ROWS // tiles))
        for own in evenly(outputs.shape[0], most):
            yield own, slice(own.start * tiles, own.stop * tiles)

    def _pieces(self, images: int, channels: int, like: Tensor) -> Iterator[tuple[slice, slice, slice]]:
        """Images, groups and channels that are transformed at a time."""
        most = images * self.groups * channels
        if like.is_cpu:
            most = TRANSFORMED // (like.element_size() * self.tiles.rows * self.tiles.frequencies)
        for i in evenly(images, most // (channels * self.groups)):
            for g in evenly(self.groups, most // channels):
                for c in evenly(channels, max(most, RUN), RUN):
                    yield i, g, c

    def analyse(
        self, cut: Callable[[Tensor], Tensor], images: Tensor, spectra: Tensor, conjugate: bool = False
    ) -> None:
        """(images, channels, *pixels) -> (frequency, group, row, channel), which is written."""
        grid = self.tiles.grid
        axes = tuple(range(-len(grid), 0))
        images = images.unflatten(1, (self.groups, -1))
        spectra = spectra.unflatten(2, (images.shape[0], -1))
        for i, g, c in self._pieces(images.shape[0], images.shape[2], spectra):
            own = images[i, g, c]
            transformed = torch.fft.rfftn(cut(own.flatten(1, 2)), s=grid, dim=axes)
            transformed = transformed.reshape(*own.shape[:3], self.tiles.rows, self.tiles.frequencies)
            spectra[:, g, i, :, c] = (transformed.conj() if conjugate else transformed).permute(4, 1, 0, 3, 2)

    def synthesise(
        self,
        spectra: Tensor,
        assemble: Callable[[Tensor], Tensor],
        images: Tensor,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """(frequency, group, row, channel) -> (images, channels, *pixels), which is written."""
        tiles = self.tiles
        axes = tuple(range(-len(tiles.grid), 0))
        images = images.unflatten(1, (self.groups, -1))
        spectra = spectra.unflatten(2, (images.shape[0], -1))
        for i, g, c in self._pieces(images.shape[0], images.shape[2], spectra):
            own = spectra[:, g, i, :, c]
            own = own if prepare is None else prepare(own)
            own = own.permute(2, 1, 4, 3, 0).unflatten(4, tiles.half).unflatten(3, tiles.count)
            grids = torch.fft.irfftn(own, s=tiles.grid, dim=axes)
            images[i, g, c] = assemble(grids.flatten(1, 2)).unflatten(1, own.shape[1:3])


def evenly(number: int, most: int, multiple: int = 1) -> Iterator[slice]:
    """Consecutive slices of nearly equal length, none longer than `most`, at least 1, but for `multiple`."""
    count = -(-number // max(most, 1))
    length = -(-number // (max(count, 1) * multiple)) * multiple
    for first in range(0, number, max(length, 1)):
        yield slice(first, min(first + length, number))
