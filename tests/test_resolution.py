"""Layers made for images of another size: what 'pixels' and 'image' keep, exactly or nearly, and what is refused."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.parameterizations import NAMES, Parameterization, get
from fourierconv.parameterizations.spacings import NARROWEST
from fourierconv.resolution import resize
from tests.layer_cases import CLASSES, LAYERS, Layer, LayerCase, full_spectrum, label

# With grids and scales that every ratio below is possible for, and where the profiles are sampled well on both sides;
# behind each, by how much its spectrum may change at a mode, relative to its largest value.
STRETCHED = {
    LayerCase("free", grid=32): 1e-12,
    LayerCase("truncated", grid=32): 1e-12,
    LayerCase("hermite", 4.0): 1e-6,
    LayerCase("scaled", 4.0): 2e-2,
    LayerCase("spacings", grid=17): 1e-2,
}
FIXED = [case for case in LAYERS if case.name not in {own.name for own in STRETCHED}]
SIZES = [(64, 64), (48, 48), (16, 16), (64, 32)]  # from 32: ratios 2, 1.5, 0.5, and 2 along one axis only
assert_same = partial(torch.testing.assert_close, rtol=0.0, atol=1e-12)


def build(case: LayerCase, kernel_size: int = 5, dims: int = 2, **kwargs: Any) -> Layer:
    """A circular layer from 2 to 3 channels; the positions of 'spacings' move apart, under σ of 2.3 to 2.8 pixels."""
    kwargs = {"padding": kernel_size // 2, "padding_mode": "circular", **kwargs}
    layer = case.build_in(dims, 2, 3, kernel_size, **kwargs)
    if case.name == "spacings" and layer.coordinates is not None:
        layer.coordinates.get_parameter("positions").data.uniform_(-2.5, 2.5)
        layer.coordinates.get_parameter("widths").data.uniform_(2.0, 2.5)
    return layer


def rebuilt(layer: Layer, **kwargs: Any) -> Layer:
    """A layer of its arguments, with other numbers, that loads its state."""
    if get(layer.parameterization).has_reference_grid:
        kwargs["reference_grid"] = layer.reference_grid
    shared: dict[str, Any] = {name: getattr(layer, name) for name in ("padding", "padding_mode", "per_axis")}
    fresh = CLASSES[layer.dims](
        2, 3, layer.kernel_size, **shared, parameterization=layer.parameterization, dtype=torch.float64, **kwargs
    )
    fresh.load_state_dict(layer.state_dict())
    return fresh


def modes(layer: Layer, grid: Sequence[int], common: Sequence[int]) -> Tensor:
    """The spectrum at the mode numbers below the Nyquist frequency of a common grid, DC in the middle."""
    spectrum = full_spectrum(layer, grid)
    for axis, n in enumerate(common):
        numbers = torch.arange(-((n - 1) // 2), (n - 1) // 2 + 1)
        spectrum = spectrum.index_select(axis + 2, numbers.remainder(grid[axis]))
    return spectrum


def scene(size: Sequence[int], highest: int) -> Tensor:
    """A periodic image of random modes up to the highest, sampled at so many pixels, (1, 2, *size)."""
    generator = torch.Generator().manual_seed(0)
    waves = []
    for n in size:
        phase = 2 * torch.pi * torch.outer(torch.arange(n), torch.arange(highest + 1)).to(torch.float64) / n
        waves.append(torch.cat([phase.cos(), phase.sin()], 1))
    weights = torch.randn(1, 2, *[2 * highest + 2] * len(size), generator=generator, dtype=torch.float64)
    return torch.einsum("bcij,yi,xj->bcyx", weights, *waves)


def assert_near(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    assert actual.shape == expected.shape
    assert bool((actual - expected).abs().max() <= tolerance * expected.abs().max())


def test_every_parameterization_is_here() -> None:
    stretched = {case.name for case in STRETCHED}
    assert stretched | {case.name for case in FIXED} == set(NAMES)
    assert stretched == {name for name in NAMES if type(get(name)).stretch is not Parameterization.stretch}


# --- 'pixels' ---


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_pixels_keeps_kernels_and_spectra_in_cycles_per_pixel(case: LayerCase) -> None:
    layer = build(case)
    resized = resize(layer, 12, (24, 36))
    assert resized is not layer
    assert torch.equal(resized.kernel(15), layer.kernel(15))
    assert torch.equal(resized.spectrum(24), layer.spectrum(24))
    coarse, fine = full_spectrum(layer, (12, 12)), full_spectrum(resized, (24, 36))
    assert_same(fine[..., ::2, ::3], coarse)
    with torch.no_grad():
        resized.coefficients.mul_(2)
    assert not torch.equal(resized.coefficients, layer.coefficients)


# --- 'image' ---


@pytest.mark.parametrize("size", SIZES, ids=label)
@pytest.mark.parametrize("case", STRETCHED, ids=str)
def test_image_keeps_the_spectrum_at_every_mode_number(case: LayerCase, size: tuple[int, int]) -> None:
    layer = build(case)
    resized = resize(layer, 32, size, "image")
    common = [min(n, 32) for n in size]
    found, expected = modes(resized, size, common), modes(layer, (32, 32), common)
    assert_near(found, expected, STRETCHED[case])
    assert_same(resized.spectrum(1), layer.spectrum(1))  # the gain of constant images


@pytest.mark.parametrize("size", [(64, 64), (48, 48), (64, 32)], ids=label)
@pytest.mark.parametrize("case", STRETCHED, ids=str)
def test_image_multiplies_the_extent(case: LayerCase, size: tuple[int, int]) -> None:
    layer = build(case)
    ratio = torch.tensor(size) / 32
    found = resize(layer, 32, size, "image").extent() / layer.extent()
    torch.testing.assert_close(found, ratio.to(found).expand_as(found), rtol=0.05, atol=0.0)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("name", ["scaled", "hermite"])
def test_kernels_of_an_even_number_are_stretched_about_their_middle(name: str, k: int) -> None:
    layer = build(LayerCase(name, 4.0), k)
    found, expected = modes(resize(layer, 32, 64, "image"), (64, 64), (32, 32)), modes(layer, (32, 32), (32, 32))
    numbers = torch.arange(-15, 16)
    turns = (numbers.unsqueeze(1) + numbers) * (0.5 / 32 - 0.5 / 64)  # it stays ½ pixel from the origin
    assert_near(found, expected * torch.exp(2j * torch.pi * turns), STRETCHED[LayerCase(name, 4.0)])


@pytest.mark.parametrize("case", [LayerCase("scaled", s) for s in (1.0, 1.1, 1.5, 2.5)], ids=str)
@pytest.mark.parametrize("size", [64, 48, 16])
def test_scaled_nearly_keeps_sums_at_any_spacing(case: LayerCase, size: int) -> None:
    layer = build(case, dims=1)
    layer.coefficients.data.abs_()  # no sum cancels
    found, expected = (own.spectrum(1).real for own in (resize(layer, 32, size, "image"), layer))
    torch.testing.assert_close(found, expected, rtol=0.025, atol=0.0)  # φ's sums at spacing 1.5 are 1.2 % off


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.9])
def test_scaled_below_a_pixel_keeps_the_width_of_its_profile(scale: float) -> None:
    layer = build(LayerCase("scaled", scale))
    resized = resize(layer, 10, 11, "image")
    assert torch.equal(resized.coefficients, layer.coefficients)
    assert_same(resized.spectrum(1), layer.spectrum(1))


@pytest.mark.parametrize("window", [None, 3.0], ids=["bare", "window"])
@pytest.mark.parametrize(
    ("case", "size"),
    [
        (case, size)
        for case in (*STRETCHED, LayerCase("scaled", 0.7), LayerCase("scaled", 1.5))
        for size in SIZES
        if case.name != "free" or min(size) >= 32  # shrunk, it has lost its highest modes
    ],
    ids=label,
)
def test_there_and_back_is_the_first_layer(case: LayerCase, window: float | None, size: tuple[int, int]) -> None:
    layer = build(case, window=window)
    back = resize(resize(layer, 32, size, "image"), size, 32, "image")
    assert back.reference_grid == layer.reference_grid or case.name == "spacings"
    assert_same(back.kernel(41), layer.kernel(41))
    x = torch.randn(1, 2, 19, 20, dtype=torch.float64)
    assert_same(back(x), layer(x))


@pytest.mark.parametrize("old", [6, 7, 8])
@pytest.mark.parametrize("new", [6, 7, 8, 9, 12])
def test_modes_are_kept_up_to_nyquist_which_is_split_and_added_up(old: int, new: int) -> None:
    layer = build(LayerCase("free", grid=old), dims=1)
    resized = resize(layer, old, new, "image")
    assert resized.reference_grid == (new,)
    before, after = full_spectrum(layer, (old,)), full_spectrum(resized, (new,))
    expected = torch.zeros_like(after)
    for m in range(-(old // 2), old // 2 + 1):
        share = 0.5 if 2 * abs(m) == old else 1.0
        if 2 * abs(m) <= new:
            expected[..., m % new] += share * before[..., m % old]
    assert_same(after, expected)


def test_truncated_may_shrink_to_its_own_modes() -> None:
    layer = build(LayerCase("truncated", grid=12), kernel_size=4, dims=1)
    resized = resize(layer, 12, 4, "image")
    assert resized.reference_grid == (4,)
    assert_same(modes(resized, (4,), (4,)), modes(layer, (12,), (4,)))


@pytest.mark.parametrize("case", STRETCHED, ids=str)
def test_a_scene_sampled_twice_as_finely_gives_the_same_outputs(case: LayerCase) -> None:
    layer = build(case, bias=True)
    resized = resize(layer, 32, 64, "image")
    coarse, fine = scene((32, 32), 10), scene((64, 64), 10)
    torch.testing.assert_close(fine[..., ::2, ::2], coarse, rtol=0, atol=1e-10)
    assert_near(resized(fine)[..., ::2, ::2], layer(coarse), STRETCHED[case])


def test_a_window_is_stretched_with_the_kernel() -> None:
    layer = build(LayerCase("truncated", grid=32), window=(3.0, 4.0), scale_per=3)
    resized = resize(layer, 32, (64, 32), "image")
    assert layer.window is not None
    assert resized.window is not None
    torch.testing.assert_close(resized.window, layer.window * torch.tensor([2.0, 1.0]))
    assert_near(modes(resized, (64, 32), (32, 32)), modes(layer, (32, 32), (32, 32)), 1e-3)


# --- what comes back is a layer like any other ---


@pytest.mark.parametrize("size", [(64, 64), (64, 32)], ids=label)
@pytest.mark.parametrize("semantics", ["pixels", "image"])
@pytest.mark.parametrize("case", [*STRETCHED, *FIXED], ids=str)
def test_states_load_whatever_the_sizes(case: LayerCase, semantics: str, size: tuple[int, int]) -> None:
    layer = build(case, bias=True)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    resized = resize(layer, 32, size, semantics) if semantics == "pixels" or case in STRETCHED else layer
    for n in (16, 40):  # what is computed leaves no trace
        resized(torch.randn(1, 2, n, n, dtype=torch.float64))
    fresh = rebuilt(resized)
    assert repr(fresh) == repr(resized)
    for n in (16, 40):
        x = torch.randn(1, 2, n, n, dtype=torch.float64)
        assert_same(fresh(x), resized(x))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_scales_that_the_axes_shared_are_per_axis_where_ratios_differ() -> None:
    layer = FourierConv2d(2, 6, 3, parameterization="scaled", scale=(1.0, 4.0), scale_per=3, window=5.0)
    resized = resize(layer, 10, (20, 15), "image")
    assert not layer.per_axis
    assert resized.per_axis
    assert resized.scale is not None
    assert resized.window is not None
    assert resized.scale.tolist() == [[2.0, 1.5], [4.0, 3.0], [8.0, 6.0]]
    assert resized.window.tolist() == [[10.0, 7.5]] * 3
    assert resized._scale_bounds is not None
    assert resized._scale_bounds.reach == [10.0, 7.5]
    assert resized.refresh() == 0
    fresh = FourierConv2d(2, 6, 3, parameterization="scaled", scale=(1.0, 4.0), scale_per=3, window=5.0, per_axis=True)
    assert {name: value.shape for name, value in fresh.state_dict().items()} == {
        name: value.shape for name, value in resized.state_dict().items()
    }
    back = resize(resized, (20, 15), 10, "image")
    assert back.scale is not None
    assert back.scale.shape == (3, 2)
    resized.reset_parameters()
    assert resized.scale.tolist() == [[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]


@pytest.mark.parametrize("case", STRETCHED, ids=str)
def test_resized_layers_train_and_start_over(case: LayerCase) -> None:
    layer = build(case).eval()
    layer.coefficients.requires_grad_(False)
    resized = resize(layer, 32, (48, 64), "image")
    assert not resized.training
    assert not resized.coefficients.requires_grad
    resized.coefficients.requires_grad_(True)
    resized(torch.randn(1, 2, 24, 24, dtype=torch.float64)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in resized.parameters())
    first = resized.coefficients.detach().clone()
    resized.reset_parameters()
    assert resized.coefficients.shape == first.shape
    assert not torch.equal(resized.coefficients, first)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("case", STRETCHED, ids=str)
def test_dtypes_and_layers_without_storage(case: LayerCase, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = build(case, dtype=dtype)
    resized = resize(layer, 32, 64, "image")
    assert {parameter.dtype for parameter in resized.parameters()} == {dtype}
    assert resized(torch.zeros(1, 2, 24, 24, dtype=dtype)).dtype == dtype
    meta = resize(build(case, dtype=dtype, device="meta"), 32, 64, "image")
    assert [own.shape for own in meta.parameters()] == [own.shape for own in resized.parameters()]
    assert all(own.is_meta for own in meta.parameters())


def test_all_fourier_layers_of_a_model_are_resized() -> None:
    first, tied, last = (LayerCase("scaled", 2.0).build(2, 2, 3, padding=1) for _ in range(3))
    tied.coefficients = first.coefficients
    single = FourierConv2d(2, 2, 1, dtype=torch.float64)
    conv = nn.Conv2d(2, 2, 1, dtype=torch.float64)
    model = nn.Sequential(first, nn.MaxPool2d(2), nn.Sequential(tied, conv, single), last)
    resized = resize(model, 32, 64, "image")
    for name in ("0", "2.0", "3"):  # those that share their coefficients are not stretched twice
        assert model.get_parameter(f"{name}.scale").item() == 2.0
        assert resized.get_parameter(f"{name}.scale").item() == 4.0
        own = f"{name}.coefficients"
        assert_same(resized.get_parameter(own) * 4, model.get_parameter(own))
    assert torch.equal(resized.get_parameter("2.1.weight"), conv.weight)
    assert torch.equal(resized.get_parameter("2.2.coefficients"), single.coefficients)


@pytest.mark.parametrize("name", ["spatial", "spectral", "spline", "dyadic", "window"])
def test_a_single_pixel_is_the_same_at_every_size(name: str) -> None:
    layer = LayerCase(name).build(2, 3, 1)
    assert torch.equal(resize(layer, 32, 64, "image").kernel(5), layer.kernel(5))
    row = LayerCase(name).build(2, 3, (1, 5))
    assert torch.equal(resize(row, 32, (64, 32), "image").kernel(5), row.kernel(5))


def test_modules_of_several_dimensions_take_one_size() -> None:
    model = nn.ModuleList([FourierConv1d(1, 1, 3, parameterization="scaled"), FourierConv2d(1, 1, 3)])
    assert len(list(resize(model, 16, 32))) == 2
    with pytest.raises(RuntimeError, match=r"layer '0': to_size must be an int or 1 ints, but got 2"):
        resize(model, 16, (32, 32))


# --- errors ---


@pytest.mark.parametrize("case", FIXED, ids=str)
def test_kernels_fixed_in_pixels_are_refused(case: LayerCase) -> None:
    layer = build(case)
    reason = rf"^kernels of parameterization='{case.name}' are fixed in pixels; 'scaled', 'hermite', 'free', "
    with pytest.raises(ValueError, match=reason + r"'truncated', 'spacings' can .* 'scaled' at scale 1 .* `convert`"):
        resize(layer, 32, 64, "image")
    with pytest.raises(ValueError, match=rf"^layer '1\.0': kernels of parameterization='{case.name}'"):
        resize(nn.Sequential(nn.ReLU(), nn.Sequential(layer)), 32, (32, 48), "image")
    assert torch.equal(resize(layer, 32, 32, "image").kernel(9), layer.kernel(9))


def test_scales_stay_within_their_limits() -> None:
    layer = FourierConv2d(1, 2, 3, parameterization="scaled", scale=(1.0, 40.0), scale_per="channel", window=1.0)
    assert layer.scale is not None
    limits = r"^layer '0': scale=.*1\.0.*40\.0.* times \[2\.0, 2\.0\] would leave its limits, 0\.25 to 64\.0 pixels$"
    with pytest.raises(ValueError, match=limits):
        resize(nn.Sequential(layer), 32, 64, "image")
    with pytest.raises(ValueError, match=r"^window=.* times \[0\.1875, 1\.0\] would leave its limits, 0\.2 to 64"):
        resize(FourierConv2d(1, 1, 3, parameterization="scaled", scale=4.0, window=1.0), 32, (6, 32), "image")
    assert layer.scale.flatten().tolist() == pytest.approx([1.0, 40.0])
    assert resize(layer, 32, 32, "image").scale is not None


@pytest.mark.parametrize(
    ("case", "size", "message"),
    [
        (LayerCase("free", grid=7), 48, r"^reference_grid=7 times 3/2 is 10\.5, and must be a whole number$"),
        (LayerCase("truncated", grid=7), 33, r"^reference_grid=7 times 33/32 is 7\.21875, and must be a whole number$"),
        (LayerCase("truncated", grid=32), 4, r"^kernel_size=5: 'truncated' keeps at most the reference_grid=4 modes"),
        (LayerCase("spacings", grid=17), 3, rf"^coordinates\.widths: σ=0\.2\d* pixels would be below {NARROWEST}$"),
    ],
    ids=str,
)
def test_grids_and_widths_that_cannot_be_are_refused(case: LayerCase, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resize(build(case), 32, size, "image")


def test_spacings_move_in_a_window_that_holds_them() -> None:
    layer = build(LayerCase("spacings", grid=17))
    assert [resize(layer, 32, n, "image").reference_grid[0] for n in (64, 48, 16, 33)] == [33, 25, 9, 19]
    assert resize(build(LayerCase("spacings", grid=16)), 2, 3, "image").reference_grid == (24, 24)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((32, 64, "picture"), ValueError, r"semantics='picture' is not one of 'pixels', 'image'"),
        ((32, 64, None), ValueError, r"semantics=None is not one of"),
        ((0, 64), RuntimeError, r"from_size=\(0, 0\) must be at least 1"),
        ((32, -1), RuntimeError, r"to_size=\(-1, -1\) must be at least 1"),
        ((32, 64.0), TypeError, r"to_size must be an int or 2 ints, but got 64.0"),
        ((True, 64), TypeError, r"from_size must be an int or 2 ints, but got True"),
        (((32, 32, 32), 64), RuntimeError, r"from_size must be an int or 2 ints, but got 3"),
    ],
)
@pytest.mark.parametrize("name", ["spatial", "scaled"])
def test_arguments_are_named(name: str, arguments: Any, error: type[Exception], message: str) -> None:
    layer = FourierConv2d(1, 1, 3, parameterization=name)
    with pytest.raises(error, match=message):
        resize(layer, *arguments)


def test_without_fourier_layers_there_is_nothing_to_resize() -> None:
    with pytest.raises(ValueError, match="layer=Sequential holds no Fourier layer"):
        resize(nn.Sequential(nn.Conv2d(1, 1, 3)), 32, 64)
    with pytest.raises(TypeError, match=r"layer must be a Fourier layer .* but got Tensor"):
        resize(torch.ones(1), 32, 64)  # type: ignore[type-var]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # torch's own: this is its old way
@pytest.mark.parametrize(
    ("make", "removal"),
    [
        (lambda layer: nn.utils.parametrizations.weight_norm(layer, "coefficients"), "remove_parametrizations"),
        (lambda layer: nn.utils.parametrizations.weight_norm(layer, "bias"), "remove_parametrizations"),
        (lambda layer: nn.utils.weight_norm(layer, "coefficients"), "remove_weight_norm"),
        (lambda layer: prune.random_unstructured(layer, "scale", 1), "prune.remove"),
    ],
    ids=["parametrized", "parametrized bias", "hook", "pruned scale"],
)
def test_layers_whose_parameters_are_made_are_resized_in_pixels_only(
    make: Callable[[nn.Module], Any], removal: str
) -> None:
    layer = FourierConv2d(1, 2, 5, parameterization="scaled", scale_per="channel")
    make(layer)
    model, x = nn.Sequential(layer), torch.randn(1, 1, 16, 16)
    expected = model(x)
    torch.testing.assert_close(resize(model, 16, 32)(x), expected)
    with pytest.raises(ValueError, match=rf"layer '0': parameters must be the layer's own: .*{removal}"):
        resize(model, 16, 32, "image")


@pytest.mark.parametrize(
    ("make", "removal"),
    [
        (lambda own: nn.utils.parametrizations.weight_norm(own, "positions"), "remove_parametrizations"),
        (lambda own: prune.random_unstructured(own, "widths", 1), "prune.remove"),
    ],
    ids=["parametrized positions", "pruned widths"],
)
def test_positions_that_are_made_are_resized_in_pixels_only(make: Callable[[Any], Any], removal: str) -> None:
    layer = FourierConv2d(1, 2, 3, parameterization="spacings")
    make(layer.coordinates)
    model, x = nn.Sequential(layer), torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(resize(model, 16, 32)(x), model(x))
    with pytest.raises(ValueError, match=rf"layer '0': coordinates' parameters must be their own: .*{removal}"):
        resize(model, 16, 32, "image")


def test_positions_that_layers_share_are_stretched_once() -> None:
    model = nn.Sequential(*(FourierConv1d(2, 2, 3, parameterization="spacings") for _ in range(2)))
    for name in ("coefficients", "coordinates"):
        setattr(model[1], name, getattr(model[0], name))
    resized: Any = resize(model, 16, 32, "image")
    alone: Any = resize(model[0], 16, 32, "image")
    for layer in resized:
        torch.testing.assert_close(dict(layer.coordinates.state_dict()), dict(alone.coordinates.state_dict()))
        torch.testing.assert_close(layer.kernel(35), alone.kernel(35))
