"""Products over frequencies by Triton's kernels: which of them, with which blocks, on which part of the sum.

The choice is a function of sizes and of torch's precision of float32, so that the same call gives the same bits, and
nothing is timed, neither in a training step nor in the capture of a CUDA graph.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from fourierconv.engines.tiles import Tiles

INSTALLED = find_spec("triton") is not None
INTERPRETED = os.environ.get("TRITON_INTERPRET", "0").lower() in ("1", "true", "yes", "on")
PROGRAMS = 528  # four for each multiprocessor of an H100: below, sums over many rows are divided
ENTRIES = 1024  # pixels that a program cuts or assembles
LINES = 32  # frequencies, and columns, that a program generates
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


OUTER = {
    "dense": Outer(8, 8, 4, 4, 16, stages=4),
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


@dataclass(frozen=True)
class HalfWeights:
    """What multiplies the columns of a half spectrum: `scale` those of DC and Nyquist, and twice that the others."""

    columns: int
    nyquist: int  # -1 where there is none
    scale: float


def product(
    a: Tensor,  # (groups, m, m tiles, k, k tiles, frequencies) complex64, frequencies contiguous, as in the others
    b: Tensor,  # (groups, k, k tiles, n, frequencies)
    c: Tensor,  # (groups, m, m tiles, n, frequencies), written
    conj_a: bool = False,
    conj_b: bool = False,
    weights: HalfWeights | None = None,
    chosen: Outer | Dot | None = None,
    precise: str | None = None,
) -> None:
    """C[g, m, n, f] = Σ_k A[g, m, k, f] B[g, k, n, f], where m and k are pairs of an image and one of its tiles.

    Args:
        a, b: factors, of any strides but along frequencies.
        c: where the product goes.
        conj_a, conj_b: whether a factor is conjugated.
        weights: of the columns of a half spectrum.
        chosen, precise: blocks and precision, instead of what sizes and torch's settings say.
    """
    if c.numel() == 0:
        return
    if a.shape[3] * a.shape[4] == 0:
        c.zero_()
        return
    if a.shape[4] == 1:  # as tiles of one image
        a, b = a.transpose(3, 4), b.transpose(1, 2)
    groups, m, m_tiles, n, frequencies = c.shape
    k, k_tiles = a.shape[3:5]
    precise = precise or precision()
    chosen = chosen or blocks(m * m_tiles, n, k * k_tiles, precise)
    bm, bn, bf = chosen.block
    programs = -(-m * m_tiles // bm) * -(-n // bn) * -(-frequencies // bf) * groups
    splits = max(min(PROGRAMS // programs, k * k_tiles // TERMS), 1)
    length = -(-k * k_tiles // (splits * chosen.terms)) * chosen.terms
    splits = -(-k * k_tiles // length)
    sums = c.unsqueeze(0) if splits == 1 else c.new_empty(splits, *c.shape)
    sizes = (m * m_tiles, n, k * k_tiles, frequencies, groups, splits, length, m_tiles, k_tiles)
    strides = (*a.stride()[:5], *b.stride()[:4], *sums.stride()[:5])
    own = weights or HalfWeights(1, -1, 1.0)
    factors, constants = [torch.view_as_real(tensor.resolve_conj()) for tensor in (a, b, sums)], chosen.constants()
    if isinstance(chosen, Dot):
        constants |= {"PRECISION": precise, "STRAIGHT": k == 1 or k_tiles % chosen.terms == 0}
    with _on_device_of(c):
        kernel(chosen)[(programs * splits,)](
            *factors,
            *sizes,
            *strides,
            own.columns,
            own.nyquist,
            own.scale,
            CONJ_A=conj_a,
            CONJ_B=conj_b,
            WEIGHTED=weights is not None,
            **constants,
            num_warps=chosen.warps,
        )
    if splits > 1:
        torch.sum(sums, 0, out=c)


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

    @property
    def steps(self) -> tuple[int, ...]:
        """From one tile to the next; of one tile alone, beyond it."""
        own = zip(self.tiles.step, self.tiles.count, self.tiles.grid, strict=True)
        return tuple(step if count > 1 else grid for step, count, grid in own)

    @property
    def meeting(self) -> tuple[int, ...]:
        """Tiles that meet on a pixel, at most."""
        own = zip(self.width, self.steps, self.tiles.count, strict=True)
        return tuple(min(-(-width // step), count) for width, step, count in own)

    def numbers(self) -> tuple[int, ...]:
        """As the kernels take them, of three axes."""
        tiles, missing = self.tiles, 3 - len(self.n)
        parts = (self.n, tiles.count, tiles.grid, self.steps, self.width)
        return (*(size for part in parts for size in (*(1,) * missing, *part)), *(0,) * missing, *self.lead)


def cut(images: Tensor, layout: Layout) -> Tensor:
    """Tiles of images, zeros beyond them and beyond the width: (batch, channels, *n) -> (..., *count, *grid)."""
    from fourierconv.engines import triton_kernels

    tiles = layout.tiles
    cuts = images.new_empty(*images.shape[:2], *tiles.count, *tiles.grid)
    _pass(triton_kernels.cut, images.contiguous(), cuts, len(tiles.grid), layout)
    return cuts


def assemble(grids: Tensor, layout: Layout, scale: float) -> Tensor:
    """The adjoint of `cut`, times `scale`: (batch, channels, *count, *grid) -> (batch, channels, *n)."""
    from fourierconv.engines import triton_kernels

    images = grids.new_empty(*grids.shape[:2], *layout.n)
    meeting = (*(1,) * (3 - len(layout.n)), *layout.meeting)
    constants = dict(zip(("R0", "R1", "R2"), meeting, strict=True))
    _pass(triton_kernels.assemble, grids, images, len(layout.n), layout, scale=scale, **constants)
    return images


def _pass(own: Any, source: Tensor, target: Tensor, dims: int, layout: Layout, **others: float) -> None:
    """Run a kernel that writes the target, each of whose parts has so many dimensions."""
    if target.numel() == 0:
        return
    columns = target.shape[-1]
    lines = math.prod(target.shape[-dims:-1])
    bx = 32 if columns <= 32 else 64 if columns <= 64 else 128
    bl = ENTRIES // bx
    programs = -(-lines // bl) * -(-columns // bx) * (target.numel() // (lines * columns))
    with _on_device_of(target):
        own[(programs,)](source, target, *layout.numbers(), lines, **others, BL=bl, BX=bx, num_warps=4)


def expand(matrix: Tensor, halfway: Tensor) -> Tensor:
    """Σ_k matrix[s, f, k] halfway[s, row, k, column] of complex64, in float32 whatever torch's precision is.

    Args:
        matrix: (scales, f, k), of which a scale's entries are contiguous.
        halfway: (scales, rows, k, columns).

    Returns:
        (scales, rows, f, columns).
    """
    from fourierconv.engines import triton_kernels

    spectra = halfway.new_empty(*halfway.shape[:2], matrix.shape[1], halfway.shape[3])
    blocks = {"BF": LINES, "BC": LINES, "num_warps": 2}
    _along_axis(triton_kernels.expand, matrix, halfway.contiguous(), spectra, LINES, blocks)
    return spectra


def gather(matrix: Tensor, spectra: Tensor, sums: Tensor | None = None) -> Tensor:
    """The adjoint of `expand`: Σ_f conj(matrix[s, f, k]) spectra[s, row, f, column].

    Args:
        matrix: (scales, f, k), of which a scale's entries are contiguous.
        spectra: (scales, rows, f, columns).
        sums: contiguous, (scales, rows, k, columns), to which it is added; None for zeros.

    Returns:
        (scales, rows, k, columns).
    """
    from fourierconv.engines import triton_kernels

    terms = matrix.shape[2]
    found = spectra.new_empty(*spectra.shape[:2], terms, spectra.shape[3]) if sums is None else sums
    bk = 8 if terms <= 8 else 16
    blocks = {"BK": bk, "BC": LINES, "ADDS": sums is not None, "num_warps": 1}
    _along_axis(triton_kernels.gather, matrix, spectra.contiguous(), found, bk, blocks)
    return found


def _along_axis(
    own: Any, matrix: Tensor, source: Tensor, target: Tensor, block: int, constants: dict[str, int]
) -> None:
    """Run a kernel that multiplies the second last dimension of every row by its scale's matrix."""
    scales, rows, lines, columns = target.shape
    if target.numel() == 0:
        return
    programs = scales * rows * -(-lines // block) * -(-columns // LINES)
    parts = [torch.view_as_real(tensor.resolve_conj()) for tensor in (matrix, source, target)]
    with _on_device_of(target):
        own[(programs,)](*parts, *matrix.shape[1:], columns, rows, matrix.stride(0), **constants)


def kernel(chosen: Outer | Dot) -> Any:
    """The kernel of these blocks."""
    from fourierconv.engines import triton_kernels  # an optional dependency, and slow to import

    return triton_kernels.outer if isinstance(chosen, Outer) else triton_kernels.dot


@contextmanager
def _on_device_of(tensor: Tensor) -> Iterator[None]:
    if not tensor.is_cuda:
        yield
        return
    with torch.cuda.device_of(tensor):
        yield
