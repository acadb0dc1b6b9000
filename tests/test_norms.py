"""Bounds on what correlations amplify: the truth, of dense matrices and fine grids of frequencies, is between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from fourierconv import norms
from fourierconv.norms import Side, norm, supremum
from tests import operators

MODES = ("zeros", "circular", "reflect", "replicate")
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


@dataclass(frozen=True)
class Case:
    """A convolution as torch computes it: padding (left, right) and stride per axis, of one padding mode."""

    span: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    stride: tuple[int, ...]
    mode: str = "zeros"
    out: int = 2
    inner: int = 2
    groups: int = 1

    def taps(self) -> Tensor:
        return torch.randn(self.out, self.inner // self.groups, *self.span, dtype=torch.float64)

    def sides(self, size: Sequence[int] | None = None) -> list[Side]:
        """The taps' first one is read by the pixel it is on; `left` pixels before that, the first output reads."""
        sizes = size or (None,) * len(self.span)
        return [
            Side(self.mode, 0, -left, right - span + 1, stride, max(left, right), n)
            for (left, right), span, stride, n in zip(self.padding, self.span, self.stride, sizes, strict=True)
        ]

    def dense(self, taps: Tensor, size: Sequence[int]) -> Tensor:
        pixels = [side for pair in reversed(self.padding) for side in pair]

        def convolve(images: Tensor) -> Tensor:
            padded = F.pad(images, pixels, "constant" if self.mode == "zeros" else self.mode)
            return CONVOLUTIONS[len(self.span)](padded, taps, stride=self.stride, groups=self.groups)

        return operators.dense(convolve, self.inner, size)

    def takes(self, size: Sequence[int]) -> bool:
        limit = {"circular": 0, "reflect": 1}.get(self.mode)
        axes = zip(size, self.padding, self.span, strict=True)
        return all(n + sum(p) >= span and (limit is None or max(p) <= n - limit) for n, p, span in axes)

    def folds(self, size: Sequence[int] | None) -> bool:
        """Whether it is on circles that its stride divides, or not on circles."""
        if self.mode != "circular" or max(self.stride) == 1:
            return True
        return size is not None and not any(n % s for n, s in zip(size, self.stride, strict=True))


def fine(taps: Tensor, groups: int, stride: Sequence[int], length: int) -> float:
    """The largest singular value of s^(-d/2)·[Ŵ(f + jN/s)]_j at `length` frequencies f per axis."""
    axes = list(range(2, taps.ndim))
    spectrum = torch.fft.fftn(taps, s=[length * s for s in stride], dim=axes)
    for axis, s in zip(axes, stride, strict=True):
        spectrum = torch.cat(spectrum.split(length, axis), 1) if s > 1 else spectrum
    matrices = spectrum.movedim((0, 1), (-2, -1)).unflatten(-2, (groups, -1))
    return float(torch.linalg.matrix_norm(matrices, 2).max()) / math.sqrt(math.prod(stride))


# --- of whatever size ---


@st.composite
def cases(draw: st.DrawFn, mode: str) -> tuple[Case, tuple[int, ...]]:
    """A convolution with padding up to twice that of 'same', and the size of an image."""
    dims = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 2))

    def axes(values: st.SearchStrategy[int]) -> tuple[int, ...]:
        return tuple(draw(values) for _ in range(dims))

    span = axes(st.integers(1, 4))
    padding = tuple((draw(st.integers(0, k)), draw(st.integers(0, k))) for k in span)
    out, inner = (groups * draw(st.integers(1, 2)) for _ in range(2))
    return Case(span, padding, axes(st.integers(1, 3)), mode, out, inner, groups), axes(st.integers(1, 6))


@pytest.mark.parametrize("mode", MODES)
def test_no_image_is_amplified_by_more(mode: str) -> None:
    @settings(max_examples=100)
    @given(case_and_size=cases(mode), boxes=st.booleans())
    def amplified(case_and_size: tuple[Case, tuple[int, ...]], boxes: bool) -> None:
        case, size = case_and_size
        assume(case.takes(size))
        taps = case.taps()
        taps = taps.abs() if boxes else taps  # those take most from the edges
        true = operators.norm(case.dense(taps, size))
        for known in (size, None):
            if known or case.folds(None):
                assert true <= norm(taps, case.groups, case.sides(known))[1] * (1 + 1e-12)

    amplified()


def test_circles_that_the_stride_does_not_divide_fold_no_frequencies() -> None:
    """Outputs 0 and 2 of a circle of 3 pixels each read all of it: √6, above the 3/√2·... of endless images."""
    case = Case((3,), ((1, 1),), (2,), "circular", 1, 1)
    taps = torch.ones(1, 1, 3, dtype=torch.float64)
    true = operators.norm(case.dense(taps, (3,)))
    assert true == pytest.approx(math.sqrt(6))
    assert true <= norm(taps, 1, case.sides())[1]


@pytest.mark.parametrize("beyond", [0, 1, 3])
def test_a_bound_for_every_circle_holds_where_taps_wrap_and_outputs_are_given_out_twice(beyond: int) -> None:
    taps = torch.ones(1, 1, 9, dtype=torch.float64)
    upper = norm(taps, 1, [Side("circular", -4, -beyond, beyond, 1, beyond, None)])[1]
    for n in range(max(1, beyond), 12):
        matrix = torch.zeros(n + 2 * beyond, n, dtype=torch.float64)
        for row in range(len(matrix)):
            for tap in range(9):
                matrix[row, (row - beyond + tap - 4) % n] += 1
        assert float(torch.linalg.matrix_norm(matrix, 2)) <= upper * (1 + 1e-12)


def test_what_two_taps_are_between_the_frequencies_is_counted() -> None:
    """I and a rotation by π/16 add up to 2, halfway between frequencies that are looked at."""
    cosine, sine = math.cos(math.pi / 16), math.sin(math.pi / 16)
    turned = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    lower, upper = norm(torch.stack([torch.eye(2, dtype=torch.float64), turned], -1), 1, [Side("zeros", 0, 0, 0)])
    assert lower < 2 <= upper


# --- how close they are ---

SHAPES = {
    "3": Case((3,), ((1, 1),), (1,)),
    "4, stride 2": Case((4,), ((1, 2),), (2,)),
    "5, stride 3, groups": Case((5,), ((2, 2),), (3,), inner=4, groups=2),
    "3x4": Case((3, 4), ((1, 1), (1, 2)), (1, 1)),
    "4x3, stride 2x1, groups": Case((4, 3), ((1, 2), (1, 1)), (2, 1), inner=4, groups=2),
    "2x3x2": Case((2, 3, 2), ((0, 1), (1, 1), (0, 1)), (1, 1, 1)),
}
LARGE = {1: 90, 2: 18, 3: 8}  # pixels per axis; matrices with 1,000 columns


def of_mode(case: Case, mode: str) -> Case:
    return Case(case.span, case.padding, case.stride, mode, case.out, case.inner, case.groups)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_supremum_over_frequency_is_between_the_bounds(shape: str) -> None:
    """1/cos(π/16) per axis apart, and 1e-4 of float32."""
    case = SHAPES[shape]
    taps = case.taps()
    lower, upper = norm(taps, case.groups, case.sides())
    true = fine(taps, case.groups, case.stride, {1: 4096, 2: 256, 3: 48}[len(case.span)])
    assert lower <= true * (1 + 1e-3)  # between frequencies
    assert true <= upper <= 1.025 ** len(case.span) * true


# the least ratios that hold; seen: zeros 1.01 to 1.25 (3-D, of 8 pixels), reflect up to 1.8, replicate up to 2.2
SLACK = {
    "zeros": {1: 1.05, 2: 1.15, 3: 1.4},
    "reflect": {1: 1.5, 2: 2.0, 3: 2.8},
    "replicate": {1: 1.7, 2: 2.3, 3: 3.5},
}


@pytest.mark.parametrize("mode", SLACK)
@pytest.mark.parametrize("shape", SHAPES)
def test_large_images_come_close_to_the_bounds(shape: str, mode: str) -> None:
    case = of_mode(SHAPES[shape], mode)
    taps, dims = case.taps(), len(case.span)
    size = (LARGE[dims],) * dims
    true = operators.norm(case.dense(taps, size))
    lower, upper = norm(taps, case.groups, case.sides(size))
    assert true <= upper <= SLACK[mode][dims] * true
    assert lower <= true * SLACK["zeros"][dims]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("times", [1, 2])
def test_on_a_circle_they_are_exact(shape: str, times: int) -> None:
    """Also on those that the taps go around."""
    case = of_mode(SHAPES[shape], "circular")
    size = tuple(times * 3 * s for s in case.stride)
    taps = case.taps()
    lower, upper = norm(taps, case.groups, case.sides(size))
    spectra = fine(wrapped(taps, size), case.groups, case.stride, times * 3)
    assert lower == pytest.approx(spectra, rel=1e-5)
    assert upper == pytest.approx(spectra, rel=2e-4)
    if case.takes(size):
        assert spectra == pytest.approx(operators.norm(case.dense(taps, size)), rel=1e-12)


def wrapped(taps: Tensor, size: Sequence[int]) -> Tensor:
    for axis, n in enumerate(size, 2):
        parts = taps.split(n, axis)
        parts = tuple(F.pad(part.movedim(axis, -1), (0, n - part.shape[axis])).movedim(-1, axis) for part in parts)
        taps = torch.stack(parts).sum(0)
    return taps


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [None, (12,)], ids=str)
def test_an_allowed_norm_that_is_far_from_the_truth_is_decided(mode: str, size: tuple[int, ...] | None) -> None:
    case = Case((6,), ((2, 3),), (1,), mode)
    taps = case.taps()
    lower, upper = norm(taps, case.groups, case.sides(size))
    for allowed in (0.1 * lower, 0.9 * lower, 10 * upper):
        early = norm(taps, case.groups, case.sides(size), allowed)
        assert (early[1] <= allowed) == (upper <= allowed)


@pytest.mark.parametrize("mode", MODES)
def test_an_allowed_norm_that_is_just_above_the_bound_is_met(mode: str) -> None:
    case = Case((6,), ((2, 3),), (1,), mode)
    for _ in range(10):
        taps = case.taps()
        allowed = 1.1 * norm(taps, case.groups, case.sides())[1]
        assert norm(taps, case.groups, case.sides(), allowed)[1] <= allowed


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0, 1.01, 1.1, 1.5, 2.0])
def test_stopping_early_never_tells_a_lie(mode: str, share: float) -> None:
    case = Case((4, 3), ((1, 2), (1, 1)), (1, 1), mode)
    for _ in range(5):
        taps = case.taps()
        true = operators.norm(case.dense(taps, (12, 12)))
        lower, upper = norm(taps, case.groups, case.sides((12, 12)), share * true)
        assert true <= upper * (1 + 1e-12)
        inside = fine(taps, 1, (1, 1), 256)
        assert lower <= inside * (1 + 1e-3)


# --- known ones ---


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [None, (4, 5)], ids=str)
def test_zeros_have_no_norm(mode: str, size: tuple[int, ...] | None) -> None:
    case = Case((3, 2), ((1, 1), (0, 1)), (2, 1), mode)
    assert norm(torch.zeros(2, 2, 3, 2), 1, case.sides(size)) == (0.0, 0.0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("groups", [1, 2])
def test_one_tap_is_a_matrix(mode: str, groups: int) -> None:
    case = Case((1, 1), ((0, 0), (0, 0)), (1, 1), mode, 6, 4, groups)
    taps = case.taps()
    true = max(operators.norm(own) for own in taps.flatten(1).chunk(groups))
    lower, upper = norm(taps, groups, case.sides())
    assert lower == pytest.approx(true, rel=1e-5)
    assert upper == pytest.approx(true, rel=2e-4)


@pytest.mark.parametrize(
    ("taps", "true"),
    [
        ([1.0, -1.0], 2.0),  # at frequency ½
        ([1.0, 2.0, 1.0], 4.0),
        ([-1.0, 0.0, 1.0], 2.0),  # at ¼
        ([0.0, 0.0, 0.0, -5.0], 5.0),
        ([1e-30, -1e-30], 2e-30),  # squares of which are no float32
        ([1e30, -1e30], 2e30),
    ],
    ids=str,
)
def test_norms_of_known_kernels(taps: list[float], true: float) -> None:
    lower, upper = norm(torch.tensor(taps, dtype=torch.float64).view(1, 1, -1), 1, [Side("zeros", 0, 0, 0)])
    assert lower <= true * (1 + 1e-6)
    assert true <= upper <= 1.025 * true


def test_memory_bounds_do_not_change_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    taps = torch.randn(3, 2, 5, 4, 3)
    whole = supremum(taps, 1)
    monkeypatch.setattr("fourierconv.norms.BATCH", 500)
    assert supremum(taps, 1) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("batch", [2**22, 10])
@pytest.mark.parametrize("span", [1, 2, 5, 8])
def test_long_kernels_have_the_bounds_that_a_fourier_matrix_finds(
    span: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taps = torch.randn(4, 3, span)
    expected = [supremum(taps, 2), norms._at(taps, 2, (span,))]
    monkeypatch.setattr(norms, "LONG", 0)
    monkeypatch.setattr(norms, "BATCH", batch)
    assert supremum(taps, 2) == pytest.approx(expected[0], rel=1e-6)
    assert norms._at(taps, 2, (span,)) == pytest.approx(expected[1], rel=1e-6)


def test_kernels_too_long_for_a_bound_are_refused_unless_they_exceed_what_is_allowed() -> None:
    taps = torch.randn(1, 1, 30, 30)
    lower, _ = supremum(taps, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fourierconv.norms.FREQUENCIES", 1000)
        with pytest.raises(ValueError, match=r"kernels of \(30, 30\) pixels are too long"):
            supremum(taps, 1)
        with pytest.raises(ValueError, match="too long"):
            supremum(taps, 1, 2 * lower)
        assert supremum(taps, 1, 0.5 * lower)[0] > 0.5 * lower
