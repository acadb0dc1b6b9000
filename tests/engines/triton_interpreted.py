"""Triton's kernels on a CPU, by its interpreter: `test_triton.py` runs this file in a process of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d, engine, functional, spectral
from fourierconv.engines import dispatch, frequency_last, kernel_spectra, launch, transforms
from fourierconv.engines.choice import Case, Plan, candidates, choose
from fourierconv.engines.frequency_last import FrequencyLast
from fourierconv.engines.launch import DOT, INTERPRETED, OUTER, Dot, HalfWeights, Layout, Outer, Product, assemble, cut
from fourierconv.engines.tiles import Tiles
from tests.interpreted import repair

assert INTERPRETED
repair()

BLOCKS: dict[str, Outer | Dot] = {**OUTER, **{f"{name}, on tensor cores": own for name, own in DOT.items()}}
SHAPES = {  # groups, images and tiles of a row, of a term, columns, frequencies
    "ragged": (2, 3, 2, 5, 1, 3, 9),
    "terms in tiles": (1, 2, 1, 3, 5, 6, 33),
    "terms in rows of tiles": (1, 2, 1, 2, 16, 3, 5),
    "single": (3, 1, 1, 1, 1, 1, 1),
    "for tensor cores": (1, 4, 2, 8, 1, 8, 5),
}
WEIGHTS = HalfWeights(columns=5, nyquist=4, scale=0.1)


@pytest.fixture(autouse=True)
def _full_float32() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)


def product(
    a: Tensor,
    b: Tensor,
    c: Tensor,
    conj_a: bool = False,
    conj_b: bool = False,
    weights: HalfWeights | None = None,
    chosen: Outer | Dot | None = None,
    precise: str | None = None,
) -> None:
    """A (groups, m, m tiles, k, k tiles, frequencies) times B (groups, k, k tiles, n, frequencies), into C."""
    groups, m, m_tiles, n, frequencies = c.shape
    own = Product(
        groups, m, m_tiles, n, a.shape[3], a.shape[4], frequencies,
        a.stride()[:5], b.stride()[:4], c.stride()[:4], conj_a, conj_b, weights,  # type: ignore[arg-type]
    )  # fmt: skip
    own(a, b, c, chosen, precise)


def factors(shape: str) -> tuple[Tensor, Tensor, Tensor]:
    """Two random ones, the first with strides of its own, and a poisoned product."""
    g, m, m_tiles, k, k_tiles, n, f = SHAPES[shape]
    memory = torch.full((m, g, k, m_tiles, k_tiles, f + 3), torch.nan, dtype=torch.complex64)
    a = memory.permute(1, 0, 3, 2, 4, 5)[..., 1 : f + 1]
    a.copy_(torch.randn(a.shape, dtype=torch.complex64))
    b = torch.randn(g, k, k_tiles, n, f, dtype=torch.complex64)
    return a, b, torch.full((g, m, m_tiles, n, f), torch.nan, dtype=torch.complex64)


def expected(a: Tensor, b: Tensor, conj_a: bool, conj_b: bool, weights: HalfWeights | None) -> Tensor:
    a, b = a.to(torch.complex128), b.to(torch.complex128)
    found = torch.einsum("gmtksf,gksnf->gmtnf", a.conj() if conj_a else a, b.conj() if conj_b else b)
    if weights is None:
        return found
    columns = torch.arange(found.shape[-1]) % weights.columns
    return found * weights.scale * torch.where((columns == 0) | (columns == weights.nyquist), 1, 2)


def _cut_to_bfloat16(numbers: Tensor) -> Tensor:
    """As the interpreter rounds, toward zero."""
    return (numbers.view(torch.int32) & -(2**16)).view(torch.float32)


def error(found: Tensor, wanted: Tensor) -> float:
    found, wanted = found.detach(), wanted.detach()
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize(
    ("conj_a", "conj_b", "weights"),
    [(False, True, None), (False, False, None), (True, False, WEIGHTS)],
    ids=["equation 1", "equation 2", "equation 3"],
)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", BLOCKS)
def test_products_are_those_of_float64(
    name: str, shape: str, conj_a: bool, conj_b: bool, weights: HalfWeights | None
) -> None:
    chosen = BLOCKS[name]
    a, b, c = factors(shape)
    product(a, b, c, conj_a, conj_b, weights, chosen, "ieee" if isinstance(chosen, Outer) else "tf32")
    assert error(c, expected(a, b, conj_a, conj_b, weights)) < 1e-6


def test_bfloat16_rounds_factors_only() -> None:
    a, b, c = factors("ragged")
    product(a, b, c, chosen=DOT["dense"], precise="bf16")
    low_a, low_b = (torch.view_as_complex(_cut_to_bfloat16(torch.view_as_real(own))) for own in (a.contiguous(), b))
    assert error(c, expected(low_a, low_b, False, False, None)) < 1e-6
    assert 1e-4 < error(c, expected(a, b, False, False, None)) < 1e-2


@pytest.mark.parametrize("name", ["few columns", "sum", "dense, on tensor cores"])
def test_long_sums_are_divided_and_stay_what_they_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "TERMS", 4)
    monkeypatch.setattr(launch, "_product", launch._product.__wrapped__)
    chosen = BLOCKS[name]
    a, b, c = factors("terms in tiles")
    product(a, b, c, True, False, WEIGHTS, chosen, "ieee" if isinstance(chosen, Outer) else "tf32")
    assert error(c, expected(a, b, True, False, WEIGHTS)) < 1e-6
    again = torch.full_like(c, torch.nan)
    product(a, b, again, True, False, WEIGHTS, chosen, "ieee" if isinstance(chosen, Outer) else "tf32")
    assert torch.equal(c, again)


def test_nothing_to_add_gives_zeros_and_nothing_to_write_nothing() -> None:
    a, b, c = factors("ragged")
    product(a[:, :, :, :0], b[:, :0], c)
    assert torch.equal(c, torch.zeros_like(c))
    product(a[:, :0], b, c[:, :0])


# --- between images and tiles ---

LAYOUTS = {  # pixels of the image, the tiles, pixels of the output
    "one tile": ((9, 8), Tiles((12, 10), (9, 8), (1, 1), (0, 0)), (9, 8)),
    "one tile before the image": ((9, 8), Tiles((12, 10), (7, 6), (1, 1), (2, 1)), (7, 6)),
    "one tile in the image": ((9, 8), Tiles((6, 5), (4, 3), (1, 1), (-2, -1)), (4, 3)),
    "tiles": ((15, 13), Tiles((12, 9), (8, 7), (2, 2), (3, 1)), (15, 13)),
    "many that meet": ((20, 11), Tiles((9, 12), (3, 11), (7, 1), (4, 0)), (20, 11)),
    "lines": ((90,), Tiles((16,), (11,), (9,), (2,)), (90,)),
    "volumes": ((5, 6, 7), Tiles((4, 6, 8), (3, 5, 4), (2, 1, 2), (1, 0, 2)), (5, 5, 7)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_tiles_are_cut_and_assembled_as_by_torch(name: str) -> None:
    n, tiles, size = LAYOUTS[name]
    inputs, outputs = Layout(n, tiles, tiles.grid, tiles.lead), Layout(size, tiles, tiles.step, (0,) * len(n))
    x, y = torch.randn(2, 3, *n), torch.randn(2, 3, *size)
    assert torch.equal(cut(x, inputs), _filled(tiles.cut(x), tiles))
    assert torch.equal(cut(y, outputs), _filled(tiles.cut_outputs(y), tiles))
    grids = torch.randn(2, 3, *tiles.count, *tiles.grid)
    joined, added = torch.full((2, 3, *size), torch.nan), torch.full((2, 3, *n), torch.nan)
    assemble(grids, outputs, 1.0, joined)
    assemble(grids, inputs, 0.5, added)
    assert torch.equal(joined, tiles.join(grids, size))
    assert error(added, tiles.add(grids, n) / 2) < 1e-6


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("most", [transforms.SYNTHESISED, 4000, 1])  # bytes: all images at once, some, one
def test_transforms_there_and_back_are_torchs(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "SYNTHESISED", most)
    n, tiles, _ = LAYOUTS[name]
    layout, axes = Layout(n, tiles, tiles.grid, tiles.lead), tuple(range(-len(n), 0))
    x = torch.randn(5, 3, *n)
    spectra = transforms.analyse(x, layout)
    assert error(spectra, torch.fft.rfftn(tiles.cut(x), s=tiles.grid, dim=axes)) < 1e-6
    grids = torch.fft.irfftn(spectra, s=tiles.grid, dim=axes)
    assert error(transforms.synthesise(spectra, layout), tiles.add(grids, n)) < 1e-6
    assert transforms.synthesise(spectra[:0], layout).shape == (0, 3, *n)


def _filled(cuts: Tensor, tiles: Tiles) -> Tensor:
    """With the zeros that a transform adds."""
    grid = reversed(tiles.grid)
    return torch.nn.functional.pad(
        cuts, [p for g, m in zip(grid, reversed(cuts.shape), strict=False) for p in (0, g - m)]
    )


def test_images_need_not_be_contiguous() -> None:
    n, tiles, _ = LAYOUTS["tiles"]
    x = torch.randn(2, 3, *n).to(memory_format=torch.channels_last)
    assert torch.equal(cut(x, Layout(n, tiles, tiles.grid, tiles.lead)), tiles.cut(x))


# --- the operation on images ---

TILES = {"one tile": Tiles.whole((8, 6), (5, 4)), "several": Tiles((8, 6), (5, 4), (2, 2), (2, 1))}
CHANNELS = {"dense": (1, 3, 5), "grouped": (2, 4, 6), "depthwise": (3, 3, 3), "one output": (1, 4, 1)}


def operands(channels: str, tiles: str) -> tuple[Tensor, Tensor, tuple[int, int]]:
    groups, inner, out = CHANNELS[channels]
    size = (5, 4) if tiles == "one tile" else (9, 7)
    x = torch.randn(2, inner, *size, dtype=torch.float64)
    taps = torch.randn(out, inner // groups, 4, 3, dtype=torch.float64)
    return x, torch.fft.rfft2(taps, s=TILES[tiles].grid), size


def derivatives(
    x: Tensor, spectrum: Tensor, size: tuple[int, int], tiles: str, groups: int, **way: bool
) -> list[Tensor]:
    x, spectrum = (own.detach().clone().requires_grad_() for own in (x, spectrum))
    y = spectral.correlate(x, spectrum, TILES[tiles], size, groups, **way)
    first = torch.autograd.grad(y.square().mean(), (x, spectrum), create_graph=True)
    second = torch.autograd.grad(first[0].square().sum() + first[1].abs().square().sum(), (x, spectrum))
    return [y, *first, *second]


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("tiles", TILES)
@pytest.mark.parametrize("channels", CHANNELS)
def test_values_and_derivatives_are_those_of_float64(channels: str, tiles: str, recompute: bool) -> None:
    groups = CHANNELS[channels][0]
    x, spectrum, size = operands(channels, tiles)
    wanted = derivatives(x, spectrum, size, tiles, groups)
    found = derivatives(x.float(), spectrum.to(torch.complex64), size, tiles, groups, recompute=recompute, triton=True)
    for one, other in zip(found, wanted, strict=True):
        assert error(one, other) < 3e-6


@pytest.mark.parametrize("wanted", [(True, False), (False, True)], ids=["images", "kernels"])
def test_what_is_not_wanted_is_not_computed(wanted: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    x, spectrum, size = operands("grouped", "several")
    x, spectrum = x.float().requires_grad_(wanted[0]), spectrum.to(torch.complex64).requires_grad_(wanted[1])
    y = spectral.correlate(x, spectrum, TILES["several"], size, 2, triton=True)
    calls: list[bool] = []

    def noted(own: Product, a: Tensor, b: Tensor, c: Tensor) -> None:
        calls.append(own.conj_a)
        c.zero_()  # what memory held before may overflow in the pass after

    monkeypatch.setattr(Product, "__call__", noted)
    y.sum().backward()
    assert calls == [wanted[1]]


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("channels", ["grouped", "depthwise"])
def test_the_operators_are_proper_torch_operators(channels: str, recompute: bool) -> None:
    groups = CHANNELS[channels][0]
    x, spectrum, size = operands(channels, "several")
    x, spectrum = x.float(), spectrum.to(torch.complex64)
    tiles = TILES["several"].pack()
    ops, tests = torch.ops.fourierconv, ("test_schema", "test_faketensor", "test_autograd_registration")
    given = (x.requires_grad_(), spectrum.requires_grad_(), tiles, list(size), groups, recompute, True)
    torch.library.opcheck(ops.correlate.default, given, test_utils=tests)
    y, images = ops.correlate(x.detach(), spectrum.detach(), *given[2:])
    own = (torch.randn_like(y), x, spectrum, images, tiles, groups, True, True, True)
    torch.library.opcheck(ops.correlate_backward.default, own, test_utils=tests)


@pytest.mark.parametrize("mapped", [(0, None), (None, 0), (0, 0)], ids=["images", "kernels", "both"])
def test_it_maps_over_batches(mapped: tuple[int | None, int | None]) -> None:
    x, spectrum, size = operands("grouped", "several")
    x, spectrum = torch.stack([x, -2 * x]).float(), torch.stack([spectrum, 3 * spectrum]).to(torch.complex64)
    given = [own if dim == 0 else own[0] for own, dim in zip((x, spectrum), mapped, strict=True)]

    def gradients(triton: bool) -> Callable[[Tensor, Tensor], tuple[Tensor, ...]]:
        def energy(x: Tensor, spectrum: Tensor) -> Tensor:
            return spectral.correlate(x, spectrum, TILES["several"], size, 2, triton=triton).square().sum()

        return torch.func.grad(energy, (0, 1))

    found, wanted = (torch.func.vmap(gradients(triton), mapped)(*given) for triton in (True, False))
    for one, other in zip(found, wanted, strict=True):
        assert error(one, other) < 3e-6


# --- the engine ---

CALLS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], tuple[int, ...], tuple[int, ...]]] = {
    "strided": (lambda x, w: functional.conv2d(x, w, stride=2, padding=2), (2, 3, 8, 7), (4, 3, 5, 5)),
    "dilated": (lambda x, w: functional.conv2d(x, w, dilation=2, padding=2), (1, 3, 8, 7), (4, 3, 3, 3)),
    "circular": (
        lambda x, w: functional.conv2d(x, w, padding="same", padding_mode="circular"),
        (2, 2, 9, 8),
        (3, 2, 3, 3),
    ),
    "transposed": (
        lambda x, w: functional.conv_transpose2d(x, w, stride=2, padding=1, groups=2),
        (1, 4, 4, 5),
        (4, 2, 3, 4),
    ),
    "large": (lambda x, w: functional.conv2d(x, w, padding=3), (2, 2, 7, 6), (3, 2, 7, 7)),
    "1d": (functional.conv1d, (2, 3, 24), (4, 3, 5)),
    "3d": (lambda x, w: functional.conv3d(x, w, padding=1), (1, 2, 3, 4, 5), (2, 2, 3, 3, 3)),
}


class Kind(NamedTuple):
    """Of plans: whether on whole images, whether kernels are transforms of taps, bytes of spectra at a time."""

    whole: bool
    by_fft: bool
    part: int = kernel_spectra.PART


KINDS = {
    "transforms on whole images": Kind(True, True),
    "transforms on tiles": Kind(False, True),
    "products on whole images, in parts": Kind(True, False, 2**10),
    "products on tiles": Kind(False, False),
}


@contextmanager
def planned(kind: Kind | None) -> Iterator[None]:
    """Every convolution by the best plan of a kind; by that of the whole grid in torch's products for None."""

    def select(case: Case, *_: object) -> Plan:
        if kind is None:
            return choose(case, "whole")
        plans = candidates(case, "triton")
        whole = [plan.tiles is not None and plan.tiles.rows == 1 for plan in plans]
        of_kind = [plan for plan, one in zip(plans, whole, strict=True) if (one, plan.by_fft) == kind[:2]]
        return (of_kind or plans)[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_spectra, "PART", kernel_spectra.PART if kind is None else kind.part)
        patch.setattr(kernel_spectra, "LEAST", 1)
        patch.setattr(dispatch, "select", select)
        patch.setattr(functional, "select", select)
        yield


def results(kind: Kind | None, call: Callable[..., Tensor], *given: Tensor) -> list[Tensor]:
    """Values, gradients, and gradients of gradients."""
    own = [tensor.detach().clone().requires_grad_() for tensor in given]
    with planned(kind):
        y = call(*own)
        plain = torch.autograd.grad(y.square().sum(), own, retain_graph=True)
        first = torch.autograd.grad(y.square().mean(), own, create_graph=True)
        second = torch.autograd.grad(sum((gradient.square().sum() for gradient in first), y.sum()), own)
    return [y, *plain, *first, *second]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_convolutions_are_those_of_float64(name: str, kind: str) -> None:
    call, *shapes = CALLS[name]
    given = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    for one, other in zip(
        results(KINDS[kind], call, *map(Tensor.float, given)), results(None, call, *given), strict=True
    ):
        assert error(one, other) < 3e-6


class LayerMade(NamedTuple):
    dims: int
    options: dict[str, Any]


LAYERS_MADE = {
    "spatial, reflected": LayerMade(2, {"padding_mode": "reflect"}),
    "spatial, strided": LayerMade(2, {"stride": 2}),
    "spline": LayerMade(2, {"parameterization": "spline"}),
    "spectral, circular": LayerMade(2, {"parameterization": "spectral", "padding_mode": "circular"}),
    "scaled": LayerMade(2, {"parameterization": "scaled", "scale": 1.4}),
    "scaled by channel": LayerMade(2, {"parameterization": "scaled", "scale": (1.1, 1.9), "scale_per": "channel"}),
    "scaled by axis and group": LayerMade(
        2, {"parameterization": "scaled", "scale": 1.4, "per_axis": True, "scale_per": 2, "groups": 2}
    ),
    "scaled, a line": LayerMade(1, {"parameterization": "scaled", "scale": 1.4}),
    "scaled, a volume": LayerMade(3, {"parameterization": "scaled", "scale": 1.2, "scale_per": "channel"}),
    "depthwise, its spectra not kept": LayerMade(2, {"groups": 2, "recompute": True}),
    "under a window": LayerMade(2, {"parameterization": "truncated", "window": 1.5}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LAYERS_MADE)
def test_layers_are_those_of_float64(name: str, kind: str) -> None:
    dims, options = LAYERS_MADE[name]
    inner = 2 if options.get("groups") else 3
    layer = {1: FourierConv1d, 2: FourierConv2d, 3: FourierConv3d}[dims](inner, 2, 3, padding=1, bias=False, **options)
    x = torch.randn(1, inner, *(3, 6, 5)[-dims:], dtype=torch.float64)
    names = [name for name, _ in layer.named_parameters()]

    def call(x: Tensor, *parameters: Tensor) -> Tensor:
        for name, parameter in zip(names, parameters, strict=True):
            delattr(layer, name)
            setattr(layer, name, parameter)
        return layer(x)

    values = [parameter.detach().double() for parameter in layer.parameters()]
    wanted = results(None, call, x, *values)
    for one, other in zip(results(KINDS[kind], call, x.float(), *map(Tensor.float, values)), wanted, strict=True):
        assert error(one, other) < 1e-4  # relative to derivatives of a scale, in which much cancels


def test_gradients_under_autocast_are_those_without() -> None:
    x, w = torch.randn(1, 2, 6, 5), torch.randn(3, 2, 3, 3, requires_grad=True)
    with planned(KINDS["products on tiles"]):
        y = functional.conv2d(x, w, padding=1)
        plain = torch.autograd.grad(y.square().sum(), w, retain_graph=True)[0]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(torch.autograd.grad(y, w, 2 * y.detach())[0], plain)


@pytest.mark.parametrize("kind", KINDS)
def test_many_gradients_at_a_time_are_those_one_by_one(kind: str) -> None:
    given = [torch.randn(1, 2, 6, 5, requires_grad=True), torch.randn(3, 2, 3, 3, requires_grad=True)]
    with planned(KINDS[kind]):
        y = functional.conv2d(given[0], given[1], padding=1)
        along = torch.randn(3, *y.shape)
        together = torch.autograd.grad(y, given, along, is_grads_batched=True, retain_graph=True)
        apart = [torch.autograd.grad(y, given, own, retain_graph=True) for own in along]
    for one, others in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(one, torch.stack(others), rtol=1e-4, atol=1e-5)


def test_generated_spectra_are_never_whole_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Tensor] = []

    def noted(matrix: Tensor, halfway: Tensor) -> Tensor:
        made.append(launch.expand(matrix, halfway))
        return made[-1]

    monkeypatch.setattr(kernel_spectra, "expand", noted)
    x, w = torch.randn(1, 2, 7, 6, requires_grad=True), torch.randn(3, 2, 3, 3, requires_grad=True)
    kind = KINDS["products on whole images, in parts"]
    with planned(kind):
        functional.conv2d(x, w, padding=1).sum().backward()
    lines = [own.shape[2] for own in made]
    assert max(own.numel() * own.element_size() for own in made) <= kind.part
    assert len(lines) >= 4
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]  # forward, and for the images' gradient


@pytest.mark.parametrize("kind", ["transforms on tiles", "products on tiles"])
def test_spectra_are_freed_when_they_were_used(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of them when pixels of images are made, which takes the most memory."""
    made: list[StorageWeakRef] = []
    left: list[int] = []

    def remembered(spectra: Tensor) -> Tensor:
        made.append(StorageWeakRef(spectra.untyped_storage()))
        return spectra

    def counted(spectra: Tensor, layout: Layout) -> Tensor:
        left.append(sum(not own.expired() for own in made) - 1)  # besides the products
        return transforms.synthesise(spectra, layout)

    monkeypatch.setattr(launch.Run, "__call__", lambda *_: None)  # the interpreter has cycles, which hold memory
    monkeypatch.setattr(frequency_last, "synthesise", counted)
    for module, name in ((frequency_last, "analyse"), (kernel_spectra, "analyse"), (kernel_spectra, "expand")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, own=own: remembered(own(*given)))
    blank = FrequencyLast._blank
    monkeypatch.setattr(FrequencyLast, "_blank", lambda *given: remembered(blank(*given)))
    x, w = torch.randn(1, 2, 7, 6, requires_grad=True), torch.randn(3, 2, 3, 3, requires_grad=True)
    with planned(KINDS[kind]):
        y = functional.conv2d(x, w, padding=1)
        y.sum().backward(retain_graph=True)
        y.sum().backward()
        with pytest.raises(RuntimeError, match="a second time"):
            y.sum().backward()
        with torch.no_grad():
            functional.conv2d(x, w, padding=1)
    # kept for the backward pass: those of images and kernels; a graph that is kept keeps them
    assert left == [2, 2, 0, 0]


@pytest.mark.parametrize(
    ("kernel_size", "padding"), [((1, 3, 2), (0, 2, 1)), ((1, 2, 3), (0, 1, 2))], ids=["last axis", "middle axis"]
)
def test_kernels_of_which_no_tap_meets_a_pixel_give_zeros(
    kernel_size: tuple[int, ...], padding: tuple[int, ...]
) -> None:
    """The two taps of one axis lie on either side of the image's only pixel: no column of coefficients is left."""
    x, w = torch.randn(2, 3, 1, 1, 1, requires_grad=True), torch.randn(4, 3, *kernel_size, requires_grad=True)
    with planned(KINDS["products on whole images, in parts"]):
        y = functional.conv3d(x, w, padding=padding, dilation=2)
    assert y.shape == (2, 4, 1, 1, 1)
    for own in (y, *torch.autograd.grad(y.sum(), (x, w))):
        assert not own.any()


def test_an_empty_batch_gives_an_empty_output_and_no_gradient() -> None:
    w = torch.ones(4, 3, 3, 2, requires_grad=True)
    with engine("triton"):
        y = functional.conv2d(torch.ones(0, 3, 8, 7), w)
    assert y.shape == (0, 4, 6, 6)
    y.sum().backward()
    assert w.grad is not None
    assert not w.grad.any()


def test_precision_is_what_torch_is_told_when_it_is_called() -> None:
    a, b, c = factors("for tensor cores")
    exact, errors = expected(a, b, False, False, None), []
    for precision in ("highest", "medium", "highest"):
        torch.set_float32_matmul_precision(precision)
        product(a, b, c)
        errors.append(error(c, exact))
    assert errors[0] == errors[2] < 1e-6 < 1e-4 < errors[1] < 1e-2


def test_double_precision_is_refused_with_the_reason() -> None:
    x, w = torch.ones(1, 2, 8, 8, dtype=torch.float64), torch.ones(2, 2, 3, 3, dtype=torch.float64)
    with engine("triton"), pytest.raises(ValueError, match="its kernels compute in float32; 'whole' and 'auto' can"):
        functional.conv2d(x, w)
