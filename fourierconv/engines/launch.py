"""Products over frequencies by Triton's kernels: which of them, with which blocks, on which part of the sum.

The choice is a function of sizes and of torch's precision of float32, so that the same call gives the same bits, and
nothing is timed, neither in a training step nor in the capture of a CUDA graph.
"""

import math
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fourierconv.engines.tiles import Tiles

INSTALLED = find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on")
PROGRAMS = 132  # one for each multiprocessor of an H100: below, sums over many rows are divided
ENTRIES = 2048  # pixels that a program cuts or assembles
BEYOND = 0.15  # of the columns of a block, that may lie beyond those that there are
TERMS = 32  # of a part of such a sum at least


@dataclass(frozen=True)
class Outer:
    """Blocks of `outer`: rows and columns in the registers of a thread, threads along rows, columns, frequencies."""

    tm: int
    tn: int
    wm: int
    wn: int
    bf: int
    stages: int = 3
    terms = 1  # at a time

    @property
    def block(self) -> tuple[int, int, int]:
        """Rows, columns and frequencies of a program."""
        return self.tm * self.wm, self.tn * self.wn, self.bf

    @property
    def warps(self) -> int:
        """Of a program."""
        return self.wm * self.wn * self.bf // 32

    def constants(self) -> dict[str, Any]:
        """As the kernel takes them."""
        return {"TM": self.tm, "TN": self.tn, "WM": self.wm, "WN": self.wn, "BF": self.bf, "STAGES": self.stages}


@dataclass(frozen=True)
class Dot:
    """Blocks of `dot`: rows, columns, terms and frequencies."""

    bm: int
    bn: int
    bk: int
    bf: int
    warps: int

    @property
    def block(self) -> tuple[int, int, int]:
        """Rows, columns and frequencies of a program."""
        return self.bm, self.bn, self.bf

    @property
    def terms(self) -> int:
        """Of a sum at a time."""
        return self.bk

    def constants(self) -> dict[str, Any]:
        """As the kernel takes them."""
        return {"BM": self.bm, "BN": self.bn, "BK": self.bk, "BF": self.bf}


@dataclass(frozen=True)
class Along:
    """Blocks of `expand` and of `gather`: lines, which are frequencies or terms, and columns, of all rows."""

    lines: int
    columns: int
    warps: int
    stages: int

    def constants(self, adds: bool) -> dict[str, Any]:
        """As the kernels take them; whether `gather` adds to what is there."""
        lines = dict.fromkeys(("BF", "BK"), self.lines)
        return {**lines, "BC": self.columns, "STAGES": self.stages, "ADDS": adds}


OUTER = {
    "dense": Outer(8, 8, 4, 4, 8, stages=4),
    "few": Outer(8, 8, 2, 4, 16),
    "small": Outer(4, 4, 4, 4, 16),
    "few columns": Outer(8, 4, 4, 1, 32),
    "few rows": Outer(4, 8, 1, 4, 32),
    "sum": Outer(1, 1, 1, 1, 128, stages=4),
}
DOT = {
    "dense": Dot(32, 32, 16, 4, 4),
    "small": Dot(16, 16, 16, 8, 8),
}

EXPAND = Along(16, 64, 2, 4)
GATHER = {"few": Along(8, 128, 2, 4), "many": Along(16, 128, 4, 4)}


def refusal(dtype: torch.dtype, kind: str) -> str | None:
    """Why the kernels cannot compute in this dtype on this kind of device, or None where they can."""
    if not INSTALLED:
        return "triton is not installed"
    if dtype != torch.float32:
        return "its kernels compute in float32"
    if kind != "cuda" and not INTERPRETED:
        return f"its kernels run on CUDA devices, and this is on {kind}"
    return None


def precision() -> str:
    """Of factors, as torch's matrix products of float32 have it now: 'ieee', 'tf32' or 'bf16'."""
    if torch.backends.cuda.matmul.fp32_precision != "tf32":
        return "ieee"
    try:
        return {"high": "tf32", "medium": "bf16"}.get(torch.get_float32_matmul_precision(), "tf32")
    except RuntimeError:  # torch's older setting does not answer where the newer one was used
        return "tf32"


def blocks(rows: int, columns: int, terms: int, precise: str) -> Outer | Dot:
    """For the products of matrices (rows, terms) and (terms, columns)."""
    if rows == columns == 1:
        return OUTER["sum"]
    if columns <= 4:
        return OUTER["few columns"]
    if rows <= 4:
        return OUTER["few rows"]
    if precise != "ieee" and min(rows, columns, terms) >= 8:
        return DOT["dense" if min(rows, columns) > 16 else "small"]
    if min(rows, columns) <= 16:
        return OUTER["few" if columns > 16 else "small"]
    return OUTER["dense"]


class Run:
    """A kernel with all that it takes but its tensors.

    Triton finds the binary for arguments anew in every launch, which takes longer than small products do. All that its
    answer depends on besides these arguments is the device, and which pointers are multiples of 16 bytes.
    """

    def __init__(
        self, kernel: Any, programs: int, numbers: tuple[int | float, ...], constants: Mapping[str, Any], warps: int
    ) -> None:
        self.kernel, self.programs, self.numbers, self.warps = kernel, programs, numbers, warps
        self.constants = {name: constants[name] for name in kernel.arg_names if name in constants}
        self.rest = (*numbers, *self.constants.values())
        self.launches: dict[tuple[int, ...], Any] = {}

    def __call__(self, *tensors: Tensor) -> None:
        """Launch it, on these tensors, in the current stream of their device."""
        if self.programs == 0:
            return
        place = tensors[0].device.index if tensors[0].is_cuda else -1
        pointers = [tensor.data_ptr() for tensor in tensors]
        key = (place, *[pointer % 16 for pointer in pointers])
        launch = self.launches.get(key)
        with nullcontext() if place < 0 or _alone() else torch.cuda.device(place):
            if launch is not None:
                launch(*pointers, *self.rest)
                return
            parts = [torch.view_as_real(own.resolve_conj()) if own.is_complex() else own for own in tensors]
            binary = self.kernel[(self.programs,)](*parts, *self.numbers, **self.constants, num_warps=self.warps)
            if place >= 0:
                self.launches[key] = binary[self.programs, 1, 1]


@lru_cache(maxsize=1)
def _alone() -> bool:
    """Whether there is one CUDA device, which then is always the current one."""
    return torch.cuda.device_count() == 1


@dataclass(frozen=True)
class HalfWeights:
    """What multiplies the columns of a half spectrum: `scale` those of DC and Nyquist, and twice that the others."""

    columns: int
    nyquist: int  # -1 where there is none
    scale: float


@dataclass(frozen=True)
class Product:
    """C[g, m, n, f] = Σ_k A[g, m, k, f] B[g, k, n, f] of complex64, frequencies contiguous in all three.

    m and k are pairs of an image and one of its tiles, with a stride for each.

    Attributes:
        groups, m, m_tiles, n, k, k_tiles, frequencies: sizes.
        a: elements from one group, image of m, tile of m, image of k and tile of k to the next.
        b: of group, image of k, tile of k and n.
        c: of group, image of m, tile of m and n.
        conj_a, conj_b: whether a factor is conjugated.
        weights: of the columns of a half spectrum.
    """

    groups: int
    m: int
    m_tiles: int
    n: int
    k: int
    k_tiles: int
    frequencies: int
    a: tuple[int, int, int, int, int]
    b: tuple[int, int, int, int]
    c: tuple[int, int, int, int]
    conj_a: bool = False
    conj_b: bool = False
    weights: HalfWeights | None = None

    def __call__(
        self, a: Tensor, b: Tensor, c: Tensor, chosen: Outer | Dot | None = None, precise: str | None = None
    ) -> None:
        """Write the product into `c`.

        Args:
            a, b: factors, from their first element on.
            c: where the product goes.
            chosen, precise: blocks and precision, instead of what sizes and torch's settings say.
        """
        run, splits = _product(self, chosen, precise or precision())
        if run is None:
            if c.numel() > 0:
                c.zero_()
            return
        if splits == 1:
            run(a, b, c)
            return
        shape = self.groups, self.m, self.m_tiles, self.n, self.frequencies
        sums = c.new_empty(splits, *shape)
        run(a, b, sums)
        torch.sum(sums, 0, out=c.as_strided(shape, (*self.c, 1), c.storage_offset()))


@lru_cache(maxsize=1024)
def _product(own: Product, chosen: Outer | Dot | None, precise: str) -> tuple[Run | None, int]:
    """The kernel's run, None where there is nothing to multiply, and in how many parts it leaves the sum."""
    rows, terms = own.m * own.m_tiles, own.k * own.k_tiles
    if min(rows, terms, own.n, own.groups, own.frequencies) == 0:
        return None, 1
    k, k_tiles, (*a, ak, akt), (bg, bk, bkt, bn) = own.k, own.k_tiles, own.a, own.b
    if k_tiles == 1:  # as tiles of one image
        k, k_tiles, ak, akt, bk, bkt = 1, k, akt, ak, bkt, bk
    chosen = chosen or blocks(rows, own.n, terms, precise)
    sizes = zip((rows, own.n, own.frequencies), chosen.block, strict=True)
    programs = own.groups * math.prod(-(-size // block) for size, block in sizes)
    splits = max(min(PROGRAMS // programs, terms // TERMS), 1)
    length = -(-terms // (splits * chosen.terms)) * chosen.terms
    splits = -(-terms // length)
    c = own.c
    if splits > 1:
        line = own.n * own.frequencies
        c = own.m * own.m_tiles * line, own.m_tiles * line, line, own.frequencies
    counts = (rows, own.n, terms, own.frequencies, own.groups, splits, length, own.m_tiles, k_tiles)
    strides = (*a, ak, akt, bg, bk, bkt, bn, own.groups * c[0] if splits > 1 else 0, *c)
    half = own.weights or HalfWeights(1, -1, 1.0)
    constants = {"CONJ_A": own.conj_a, "CONJ_B": own.conj_b, "WEIGHTED": own.weights is not None, **chosen.constants()}
    if isinstance(chosen, Dot):
        constants |= {"PRECISION": precise, "STRAIGHT": k == 1 or k_tiles % chosen.terms == 0}
    numbers = (*counts, *strides, half.columns, half.nyquist, half.scale)
    return Run(kernel(chosen), programs * splits, numbers, constants, chosen.warps), splits


@dataclass(frozen=True)
class Layout:
    """How images lie on their tiles, per axis: as `Tiles`, for tiles of which only the first `width` pixels count.

    Attributes:
        n: pixels of an image.
        tiles: grid, step and count.
        width: pixels of a tile.
        lead: pixels that the first tile begins before the image.
    """

    n: tuple[int, ...]
    tiles: Tiles
    width: tuple[int, ...]
    lead: tuple[int, ...]

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """From one tile to the next; of one tile alone, beyond it."""
        own = zip(self.tiles.step, self.tiles.count, self.tiles.grid, strict=True)
        return tuple(step if count > 1 else grid for step, count, grid in own)

    @property
    def meeting(self) -> tuple[int, ...]:
        """Tiles that meet on a pixel, at most."""
        own = zip(self.width, self.steps, self.tiles.count, strict=True)
        return tuple(min(-(-width // step), count) for width, step, count in own)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """As the kernels take them, of three axes."""
        tiles, missing = self.tiles, 3 - len(self.n)
        parts = (self.n, tiles.count, tiles.grid, self.steps, self.width)
        return (*(size for part in parts for size in (*(1,) * missing, *part)), *(0,) * missing, *self.lead)


@lru_cache(maxsize=1024)
def laid_out(n: tuple[int, ...], tiles: Tiles, width: tuple[int, ...], lead: tuple[int, ...]) -> Layout:
    """The layout of these attributes, always the same object, so that nothing is computed twice."""
    return Layout(n, tiles, width, lead)


def cut(images: Tensor, layout: Layout) -> Tensor:
    """Tiles of images, zeros beyond them and beyond the width: (batch, channels, *n) -> (..., *count, *grid)."""
    planes, tiles = images.shape[:2], layout.tiles
    cuts = images.new_empty(*planes, *tiles.count, *tiles.grid)
    _cut(layout, math.prod(planes))(images.contiguous(), cuts)
    return cuts


@lru_cache(maxsize=1024)
def _cut(layout: Layout, planes: int) -> Run:
    from fourierconv.engines import triton_kernels

    columns = layout.tiles.grid[-1]
    unit = next(unit for unit in (4, 2, 1) if columns % unit == 0)
    return _pass(triton_kernels.cut, layout, layout.tiles.grid, planes * layout.tiles.rows, UNIT=unit)


def assemble(grids: Tensor, layout: Layout, scale: float, out: Tensor) -> None:
    """The adjoint of `cut`, times `scale`: (batch, channels, *count, *grid) -> (batch, channels, *n), contiguous."""
    _assemble(layout, math.prod(grids.shape[:2]), scale)(grids, out)


@lru_cache(maxsize=1024)
def _assemble(layout: Layout, planes: int, scale: float) -> Run:
    from fourierconv.engines import triton_kernels

    meeting = [own if count > 1 else 0 for own, count in zip(layout.meeting, layout.tiles.count, strict=True)]
    constants = dict(zip(("R0", "R1", "R2"), [0] * (3 - len(meeting)) + meeting, strict=True))
    return _pass(triton_kernels.assemble, layout, layout.n, planes, scale, **constants)


def _pass(kernel: Any, layout: Layout, size: tuple[int, ...], parts: int, *scale: float, **constants: int) -> Run:
    """Of a kernel that writes so many parts of this size, in blocks of lines and columns."""
    lines, columns = math.prod(size[:-1]), size[-1]
    width = columns_at_a_time(columns)
    height = ENTRIES // width
    programs = -(-lines // height) * -(-columns // width) * parts
    numbers = (*layout.numbers, lines, *scale)
    blocks = {"VOLUMES": len(size) == 3, "BL": height, "BX": width}
    return Run(kernel, programs, numbers, {**constants, **blocks}, warps=4)


def columns_at_a_time(columns: int) -> int:
    """The widest block of which little lies beyond so many columns.

    >>> columns_at_a_time(128), columns_at_a_time(144), columns_at_a_time(72)
    (128, 32, 16)
    """
    beyond = {width: -columns % width / columns for width in (128, 64, 32, 16)}
    return next((width for width, share in beyond.items() if share <= BEYOND), min(beyond, key=lambda w: beyond[w]))


def expand(matrix: Tensor, halfway: Tensor, chosen: Along = EXPAND) -> Tensor:
    """Σ_k matrix[s, f, k] halfway[s, row, k, column] of complex64, in float32 whatever torch's precision is.

    Args:
        matrix: (scales, f, k).
        halfway: (scales, rows, k, columns).
        chosen: blocks.

    Returns:
        (scales, rows, f, columns).
    """
    spectra = halfway.new_empty(*halfway.shape[:2], matrix.shape[1], halfway.shape[3])
    run = _along("expand", chosen, tuple(spectra.shape), tuple(matrix.shape), matrix.stride())
    run(matrix, halfway.contiguous(), spectra)
    return spectra


def gather(matrix: Tensor, spectra: Tensor, sums: Tensor | None = None, chosen: Along | None = None) -> Tensor:
    """The adjoint of `expand`: Σ_f conj(matrix[s, f, k]) spectra[s, row, f, column].

    Args:
        matrix: (scales, f, k).
        spectra: (scales, rows, f, columns).
        sums: contiguous, (scales, rows, k, columns), to which it is added; None for zeros.
        chosen: blocks, instead of what the sizes say.

    Returns:
        (scales, rows, k, columns).
    """
    terms = matrix.shape[2]
    chosen = chosen or GATHER["few" if terms <= GATHER["few"].lines else "many"]
    found = spectra.new_empty(*spectra.shape[:2], terms, spectra.shape[3]) if sums is None else sums
    run = _along("gather", chosen, tuple(found.shape), tuple(matrix.shape), matrix.stride(), sums is not None)
    run(matrix, spectra.contiguous(), found)
    return found


@lru_cache(maxsize=1024)
def _along(
    name: str,
    chosen: Along,
    written: tuple[int, ...],  # (scales, rows, lines, columns)
    matrix: tuple[int, ...],  # (scales, f, k)
    strides: tuple[int, ...],
    adds: bool = False,
) -> Run:
    """Of a kernel that multiplies the second last dimension of every row by its scale's matrix."""
    from fourierconv.engines import triton_kernels

    scales, rows, lines, columns = written
    programs = scales * -(-lines // chosen.lines) * -(-rows * columns // chosen.columns)
    numbers = (*matrix[1:], columns, rows, *strides)
    return Run(getattr(triton_kernels, name), programs, numbers, chosen.constants(adds), chosen.warps)


def kernel(chosen: Outer | Dot) -> Any:
    """The kernel of these blocks."""
    from fourierconv.engines import triton_kernels  # an optional dependency, and slow to import

    return triton_kernels.outer if isinstance(chosen, Outer) else triton_kernels.dot
