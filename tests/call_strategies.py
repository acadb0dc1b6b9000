"""Random calls of all six functions, for hypothesis: every argument in every form, each call defined as it is built."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.cases import Call, Conv, ConvTranspose, Layout, Size, per_axis

# at most, per axis
PIXELS = {1: 40, 2: 14, 3: 7}
TAPS = {1: 25, 2: 9, 3: 4}
STRIDE, DILATION, PADDING = 5, 4, 8


def _sizes(least: int, most: Sequence[int]) -> st.SearchStrategy[Size]:
    """A number, alone or in a tuple, or one for every axis."""
    number = st.integers(least, min(most))
    return number | st.tuples(number) | st.tuples(*(st.integers(least, bound) for bound in most))


@st.composite
def _layouts(draw: st.DrawFn) -> Layout:
    groups, inner, outer = (draw(st.integers(1, 3)) for _ in range(3))
    batch = draw(st.sampled_from([None, 1, 2, 3]))
    return Layout(groups * inner, groups * outer, groups, batch, draw(st.booleans()))


def _images(dims: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(1, PIXELS[dims])] * dims)


@st.composite
def convs(draw: st.DrawFn, dims: int) -> Conv:
    mode, image = draw(st.sampled_from(["zeros", "circular"])), draw(_images(dims))
    pixels = _sizes(0, image if mode == "circular" else [PADDING] * dims)
    padding: str | Size = draw(pixels | st.sampled_from(["same", "valid"]))
    stride = 1 if padding == "same" else draw(_sizes(1, [STRIDE] * dims))
    dilation = draw(_sizes(1, [DILATION] * dims))
    added = per_axis(0 if isinstance(padding, str) else padding, dims)
    reach = [2 * n if padding == "same" else n + 2 * p - 1 for n, p in zip(image, added, strict=True)]
    most = [min(pixels // d + 1, TAPS[dims]) for pixels, d in zip(reach, per_axis(dilation, dims), strict=True)]
    kernel = draw(st.tuples(*(st.integers(1, k) for k in most)))
    return Conv(draw(_layouts()), image, kernel, stride, dilation, padding, mode)


@st.composite
def conv_transposes(draw: st.DrawFn, dims: int) -> ConvTranspose:
    image, kernel = draw(_images(dims)), draw(st.tuples(*[st.integers(1, TAPS[dims])] * dims))
    stride, dilation = draw(_sizes(1, [STRIDE] * dims)), draw(_sizes(1, [DILATION] * dims))
    steps = list(zip(image, kernel, per_axis(stride, dims), per_axis(dilation, dims), strict=True))
    extra = draw(_sizes(0, [max(s, d) - 1 for _, _, s, d in steps]))
    whole = [(n - 1) * s + d * (k - 1) + more for (n, k, s, d), more in zip(steps, per_axis(extra, dims), strict=True)]
    padding = draw(_sizes(0, [min(pixels // 2, PADDING) for pixels in whole]))
    return ConvTranspose(draw(_layouts()), image, kernel, stride, dilation, padding, extra)


RANDOM_CALLS: dict[str, st.SearchStrategy[Call]] = {
    **{f"conv{dims}d": convs(dims) for dims in (1, 2, 3)},
    **{f"conv_transpose{dims}d": conv_transposes(dims) for dims in (1, 2, 3)},
}
