"""nn.ConvNd layers become Fourier layers, alone and in networks: same results, same training, nothing else moved."""

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d
from fourierconv.convert import convert, from_conv
from fourierconv.layers import fourier_layers
from fourierconv.parameterizations import NAMES
from tests.layer_cases import CLASSES
from tests.measures import relative_error
from tests.networks import UNet, convnext, resnet18

CONVS: dict[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
LEARNED = ("coefficients", "scale", "window", "coordinates", "bias")


@dataclass(frozen=True)
class ConvCase:
    """A convolution from 4 to 6 channels, in float64, by what it has besides."""

    dims: int
    kernel_size: int | tuple[int, ...]
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        said = [f"{name}={value}" for name, value in self.arguments]
        return f"{self.dims}d-{' '.join([str(self.kernel_size), *said])}"

    def build(self) -> nn.Conv1d | nn.Conv2d | nn.Conv3d:
        return CONVS[self.dims](4, 6, self.kernel_size, dtype=torch.float64, **dict(self.arguments))  # type: ignore[arg-type]

    def images(self) -> Tensor:
        return torch.randn(2, 4, *(11, 12, 9)[: self.dims], dtype=torch.float64)


def case(dims: int, kernel_size: int | tuple[int, ...], **arguments: Any) -> ConvCase:
    return ConvCase(dims, kernel_size, tuple(arguments.items()))


CASES = (
    case(1, 5),
    case(1, 4, stride=3, padding=2, dilation=2, bias=False),
    case(1, 5, padding="same", padding_mode="reflect", groups=2),
    case(2, 3),
    case(2, (3, 4), stride=(2, 1), padding=(1, 3)),
    case(2, 4, padding="same", dilation=(1, 2)),
    case(2, 3, padding="valid", bias=False),
    case(2, (5, 1), padding=(2, 0), groups=2, stride=2),
    case(2, 1, stride=2),
    case(2, 2, stride=2, dilation=3, padding=2),
    *(case(2, 3, padding=2, padding_mode=mode) for mode in ("circular", "reflect", "replicate")),
    *(case(2, (4, 3), padding="same", padding_mode=mode) for mode in ("circular", "reflect", "replicate")),
    case(2, 3, padding=1, padding_mode="circular", dilation=2, stride=2),
    case(3, (3, 2, 3), padding=1, stride=(1, 2, 1)),
    case(3, 2, padding="same", padding_mode="replicate", groups=2, bias=False),
)


@dataclass(frozen=True)
class Held:
    """A parameterization, with its options, and the numbers of taps per axis among 1, 3, 4 that it holds."""

    name: str
    sizes: tuple[int, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{name}={value}" for name, value in self.options)])


def held(name: str, *sizes: int, **options: Any) -> Held:
    return Held(name, sizes, tuple(options.items()))


HELD = (
    held("spatial", 1, 3, 4),
    held("spatial", 1, 3, 4, window=(1.0, 3.0), scale_per=2, per_axis=True),
    held("spectral", 1, 3, 4),
    held("spectral", 1, 3, 4, window=4.0),
    held("spline", 1),
    held("dyadic", 1),
    held("window", 1, 3, 4),
    held("window", 1, 3, 4, scale=(0.6, 5.0), scale_per="channel"),
    held("scaled", 1, 3, 4),
    held("scaled", 1, 3, 4, scale_per="channel", per_axis=True),
    held("scaled", 1, 3, 4, window=2.0),
    held("scaled", 1, scale=0.7),
    held("scaled", scale=1.1),
    held("hermite"),
    held("free", 1, 3, 4),
    held("free", 1, 3, 4, reference_grid=(4, 5)),
    held("free", 1, 3, reference_grid=3),
    held("truncated"),
    held("truncated", 3, reference_grid=3),
    held("truncated", 4, reference_grid=4),
    held("bilinear", 1),
    held("spline_open", 1),
    held("spacings"),
    held("implicit"),
)
assert {entry.name for entry in HELD} == set(NAMES)
EXACT = ("spatial", "spectral", "window", "scaled", "free")  # for every number of taps, as they start


def gradients(module: nn.Module, x: Tensor, weights: list[Tensor], slope: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad((module(x) * slope).sum(), [x, *weights])


# --- one layer ---


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("entry", CASES, ids=str)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch's own, once
def test_a_layer_computes_what_the_convolution_does(entry: ConvCase, name: str) -> None:
    conv, x = entry.build(), entry.images().requires_grad_()
    layer = from_conv(conv, name)
    assert isinstance(layer, CLASSES[entry.dims])
    assert layer.parameterization == name
    assert layer.bias is conv.bias
    expected = conv(x)
    assert relative_error(layer(x), expected) < 1e-12
    slope = torch.randn_like(expected)
    shared: list[Tensor] = [] if conv.bias is None else [conv.bias]
    shared += [conv.weight] if name == "spatial" else []
    for own, theirs in zip(gradients(layer, x, shared, slope), gradients(conv, x, shared, slope), strict=True):
        assert relative_error(own, theirs) < 1e-12


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("k", [1, 3, 4])
@pytest.mark.parametrize("entry", HELD, ids=str)
def test_kernels_are_the_taps_where_the_parameterization_holds_them(entry: Held, k: int, dilation: int) -> None:
    conv = nn.Conv2d(2, 4, k, dilation=dilation, dtype=torch.float64)
    options = dict(entry.options)
    if "reference_grid" in options and entry.name == "truncated" and k > options["reference_grid"]:
        with pytest.raises(ValueError, match="'truncated' keeps at most the reference_grid=3 modes"):
            from_conv(conv, entry.name, **options)
        return
    if k not in entry.sizes:
        with pytest.raises(ValueError, match=rf"'{entry.name}'.* does not hold these {k}x{k} taps: .* off by \d"):
            from_conv(conv, entry.name, **options)
        return
    layer = from_conv(conv, entry.name, **options)
    kernel = layer.kernel(2 * dilation * k + 9).detach()
    taps = torch.zeros_like(kernel)
    first = (kernel.shape[-1] - 1) // 2 - dilation * (k - 1) // 2
    own = slice(first, first + dilation * (k - 1) + 1, dilation)
    taps[..., own, own] = conv.weight.detach()
    assert relative_error(kernel, taps) < 1e-13
    assert relative_error(layer.kernel().square().sum().sqrt(), conv.weight.norm()) < 1e-13  # nor is there more of it


def test_the_message_says_what_holds_the_taps_and_by_how_much_they_are_missed() -> None:
    conv = nn.Conv2d(3, 8, (5, 3), bias=False)
    with pytest.raises(
        ValueError, match=r"parameterization='scaled', scale=2\.0 does not hold these 5x3 taps"
    ) as caught:
        from_conv(conv, "scaled", scale=2.0)
    for said in ("nearest kernels", "'spatial' and 'spectral' hold any", "'scaled' at scale=1", "keep_weights=False"):
        assert said in str(caught.value)
    # one coefficient at spacing 2 is (-1, 0, 9, 16, 9, 0, -1)/16: one tap is √(1 - 256/420) of its norm away
    with pytest.raises(ValueError, match=r"off by 0\.62 of their norm"):
        from_conv(nn.Conv1d(2, 3, 1), "scaled", scale=2.0)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precisions_keep_the_weights_to_their_rounding(dtype: torch.dtype, name: str) -> None:
    conv = nn.Conv2d(4, 6, 3, padding=1, dtype=dtype)
    layer = from_conv(conv, name)
    assert {parameter.dtype for parameter in layer.parameters()} == {dtype}
    x = torch.randn(1, 4, 9, 8, dtype=dtype)
    assert relative_error(layer(x).double(), conv(x).double()) < 2 * torch.finfo(dtype).eps
    spline = r"does not hold these 3x3 taps: the nearest kernels are off by 0\.0\d+ of their norm"
    with pytest.raises(ValueError, match=spline):  # bfloat16 does not hide 7 %
        from_conv(conv, "spline")


def test_zero_weights_are_held() -> None:
    conv = nn.Conv2d(2, 3, 3)
    nn.init.zeros_(conv.weight)
    assert not from_conv(conv, "spectral").coefficients.any()
    assert not from_conv(conv, "spline").coefficients.any()


@pytest.mark.parametrize("window", [None, 2.0], ids=["taps", "window"])
def test_flags_are_kept(window: float | None) -> None:
    conv = nn.Conv2d(2, 3, 3).eval()
    conv.weight.requires_grad_(False)
    layer = from_conv(conv, window=window)
    assert not layer.training
    assert {name for name, parameter in layer.named_parameters() if parameter.requires_grad} == {"bias"}
    assert (layer.coefficients is conv.weight) == (window is None)
    scaled = from_conv(conv.train(), "scaled")
    assert scaled.training
    assert {name for name, parameter in scaled.named_parameters() if not parameter.requires_grad} == {
        "coefficients",
        "scale",
    }


def test_options_reach_the_constructor() -> None:
    layer = from_conv(nn.Conv1d(2, 4, 3), "scaled", scale_per=2, tolerance=1e-3)
    assert layer.tolerance == 1e-3
    assert layer.scale is not None
    assert layer.scale.shape == (2, 1)
    with pytest.raises(TypeError, match="stride"):
        from_conv(nn.Conv1d(2, 4, 3), stride=2)
    with pytest.raises(ValueError, match=r"parameterization='taps' is unknown"):
        from_conv(nn.Conv1d(2, 4, 3), "taps")


@pytest.mark.parametrize("name", [*EXACT, "spline"])
def test_random_numbers_go_on_as_without_it(name: str) -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Conv2d(3, 2, 3))
    state = torch.get_rng_state()
    if name == "spline":
        with pytest.raises(ValueError, match="layer '1'"):
            convert(model, name)
    else:
        convert(model, name)
        from_conv(nn.Conv3d(1, 1, 2, device="meta"), name)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", NAMES)
def test_convolutions_without_values_keep_shapes(name: str) -> None:
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, device="meta")
    layer = from_conv(conv, name)
    assert {parameter.device.type for parameter in layer.parameters()} == {"meta"}
    assert (layer.coefficients is conv.weight) == (name == "spatial")
    assert layer.bias is conv.bias
    x = torch.empty(1, 4, 9, 8, device="meta")
    assert layer(x).shape == conv(x).shape


@pytest.mark.parametrize("name", EXACT)
def test_the_default_device_does_not_matter(name: str) -> None:
    conv, x = nn.Conv2d(4, 6, 3), torch.randn(1, 4, 9, 8)
    with torch.device("meta"):
        layer = from_conv(conv, name)
    assert relative_error(layer(x), conv(x)) < 1e-6


def test_a_state_dict_of_the_convolution_loads_in_the_layer() -> None:
    conv, x = nn.Conv2d(4, 6, 3), torch.randn(1, 4, 9, 8)
    layer = from_conv(nn.Conv2d(4, 6, 3))
    layer.load_state_dict(conv.state_dict())
    assert relative_error(layer(x), conv(x)) < 1e-6


# --- what is refused ---


class Standardized(nn.Conv2d):
    """A convolution with a forward of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight - self.weight.mean(), self.bias)


class Named(nn.Conv2d):
    """A convolution that only is made in another way."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1)


class Richer(nn.Conv2d):
    """A convolution that learns more than its weights."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3)
        self.temperature = nn.Parameter(torch.ones(1))
        self.register_buffer("weight_scale", torch.zeros(1))
        self.after = nn.ReLU()


class Called(nn.Conv2d):
    """A convolution that is called in a way of its own."""

    def __call__(self, input: Tensor) -> Any:
        return 2 * super().__call__(input)


def replaced() -> nn.Conv2d:
    conv = nn.Conv2d(1, 2, 3)
    vars(conv)["forward"] = lambda x: x
    return conv


REFUSED: tuple[tuple[Callable[[], Any], str], ...] = (
    (lambda: nn.ConvTranspose2d(1, 2, 3), "conv=ConvTranspose2d is a transposed convolution"),
    (lambda: nn.LazyConv2d(2, 3), "conv=LazyConv2d is lazy: run it once first"),
    (lambda: Standardized(1, 2, 3), "conv=Standardized has a forward of its own"),
    (replaced, "conv=Conv2d has a forward of its own"),
    (lambda: Called(1, 2, 3), "conv=Called has a forward of its own"),
    (lambda: Richer(2), "conv=Richer has 'temperature', 'weight_scale', 'after', which would be lost"),
    (lambda: nn.Linear(1, 2), "conv=Linear is not one of them; nn.Conv1d, nn.Conv2d and nn.Conv3d"),
    (lambda: FourierConv2d(1, 2, 3), "conv=FourierConv2d is not"),
    (lambda: torch.ones(1, 2, 3), "conv=Tensor is not"),
)


@pytest.mark.parametrize(("build", "says"), REFUSED, ids=[says.split()[0][5:] for _, says in REFUSED])
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_other_modules_are_refused(build: Callable[[], Any], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        from_conv(build())


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_what_only_is_made_in_another_way_is_converted() -> None:
    x = torch.randn(1, 3, 9, 8)
    lazy = nn.LazyConv2d(2, 3)
    lazy(x)
    for conv in (Named(3), lazy):
        assert relative_error(from_conv(conv)(x), conv(x)) < 1e-6


def test_weights_of_another_shape_than_the_arguments_are_refused() -> None:
    conv = nn.Conv2d(3, 2, 3)
    conv.weight = nn.Parameter(conv.weight.detach().sum(1, keepdim=True))
    for name in ("spatial", "scaled"):
        with pytest.raises(ValueError, match=r"weight has shape \[2, 1, 3, 3\], but Conv2d\(3, 2.*uses \[2, 3, 3, 3\]"):
            from_conv(conv, name)


def spectral_of_old() -> nn.Conv2d:
    return nn.utils.spectral_norm(nn.Conv2d(2, 3, 3))


def pruned(name: str) -> nn.Conv2d:
    return prune.random_unstructured(nn.Conv2d(2, 3, 3), name, amount=0.5)


def bare() -> nn.Conv2d:
    conv = nn.Conv2d(2, 3, 3)
    weight = conv.weight.detach()
    del conv.weight
    conv.weight = weight
    return conv


HOOKED: dict[str, tuple[Callable[[], nn.Conv2d], str]] = {
    "spectral_norm": (
        spectral_of_old,
        r"weight is made by SpectralNorm; torch.nn.utils.remove_spectral_norm\(conv, 'weight'\)",
    ),
    "prune": (
        lambda: pruned("weight"),
        r"weight is made by RandomUnstructured; torch.nn.utils.prune.remove\(conv, 'weight'\)",
    ),
    "pruned bias": (lambda: pruned("bias"), r"bias is made by RandomUnstructured; torch.nn.utils.prune.remove"),
    "bare": (bare, "weight is neither an nn.Parameter nor made by a known hook"),
}


@pytest.mark.parametrize("name", ["spatial", "scaled"])
@pytest.mark.parametrize(("build", "says"), HOOKED.values(), ids=HOOKED)
def test_weights_that_hooks_make_are_refused(build: Callable[[], nn.Conv2d], says: str, name: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_conv(build(), name)
    with pytest.raises(ValueError, match=says):
        convert(build(), name, keep_weights=False)


# --- parametrized weights ---


class Doubled(nn.Module):
    """Twice a tensor."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def parametrized(conv: nn.Conv2d) -> nn.Conv2d:
    for name in ("weight", "weight", "bias"):
        parametrize.register_parametrization(conv, name, Doubled())
    return conv


def weight_norm_of_old(conv: nn.Conv2d) -> nn.Conv2d:
    with pytest.warns(FutureWarning, match="weight_norm"):
        return nn.utils.weight_norm(conv, dim=0)


PARAMETRIZED: dict[str, Callable[[nn.Conv2d], nn.Module]] = {
    "two of one's own, and the bias": parametrized,
    "weight_norm": parametrizations.weight_norm,
    "weight_norm of all": lambda conv: parametrizations.weight_norm(conv, dim=None),  # type: ignore[arg-type]
    "orthogonal": parametrizations.orthogonal,
    "weight_norm of old": weight_norm_of_old,
    "spectral_norm": parametrizations.spectral_norm,
}


def normalized(register: Callable[[nn.Conv2d], nn.Module]) -> nn.Sequential:
    """A network of two such layers, the same with every call."""
    torch.manual_seed(1)
    convs = [nn.Conv2d(a, b, 3, padding=1, dtype=torch.float64) for a, b in ((2, 4), (4, 2))]
    return nn.Sequential(register(convs[0]), nn.ReLU(), register(convs[1]))


def losses(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, *shape: int) -> list[float]:
    """Of training towards zero on random images."""
    found = []
    for _ in range(steps):
        loss = model(torch.randn(shape, dtype=torch.float64)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.parametrize("register", PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_parametrized_layers_train_as_before(register: Callable[[nn.Conv2d], nn.Module]) -> None:
    curves = []
    for change in (lambda model: model, convert):
        model = normalized(register)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)  # before: the parameters are the same
        change(model)
        torch.manual_seed(2)
        curves.append(losses(model, optimizer, 3, 2, 2, 8, 8))
    assert curves[1] == pytest.approx(curves[0], rel=1e-10)
    assert curves[0][0] != pytest.approx(curves[0][1], rel=1e-3)


@pytest.mark.parametrize("register", PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_parametrized_layers_are_layers(register: Callable[[nn.Conv2d], nn.Module]) -> None:
    model = normalized(register).eval()  # in training spectral_norm changes with every look
    x = torch.randn(1, 2, 8, 8, dtype=torch.float64)
    expected = model(x)
    convert(model)
    assert relative_error(model(x), expected) < 1e-12
    layer = model[0]
    assert isinstance(layer, FourierConv2d)
    assert parametrize.is_parametrized(layer, "coefficients")
    assert layer.refresh() == 0
    assert layer.extent().shape == (4, 2, 2)
    assert torch.equal(layer.weight, layer.coefficients)
    model.train().eval()
    twin = copy.deepcopy(model)
    assert relative_error(twin(x), expected) < 1e-12
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_().add_(torch.randn_like(parameter))
    assert relative_error(model(x), expected) < 1e-12
    twin.load_state_dict(model.state_dict())
    assert relative_error(twin(x), expected) < 1e-12
    parametrize.remove_parametrizations(layer, "coefficients")
    assert relative_error(model(x), expected) < 1e-12


def test_a_state_dict_of_a_parametrized_convolution_loads_in_the_layer() -> None:
    for register in (parametrizations.weight_norm, weight_norm_of_old, parametrizations.spectral_norm):
        conv, layer = register(nn.Conv2d(2, 3, 3)).eval(), from_conv(register(nn.Conv2d(2, 3, 3))).eval()
        layer.load_state_dict(conv.state_dict())
        x = torch.randn(1, 2, 8, 8)
        assert relative_error(layer(x), conv(x)) < 1e-6


def test_parametrizations_are_moved_and_not_called() -> None:
    conv = parametrizations.spectral_norm(nn.Conv2d(2, 3, 3))
    state = {name: value.clone() for name, value in conv.state_dict().items()}
    layer = from_conv(conv)
    parametrization: Any = layer.parametrizations["coefficients"]  # type: ignore[index]
    assert parametrization is conv.parametrizations["weight"]  # type: ignore[index]
    assert all(torch.equal(value, state[name]) for name, value in conv.state_dict().items())
    x = torch.randn(1, 2, 8, 8)
    assert relative_error(layer.eval()(x), conv.eval()(x)) < 1e-6


@pytest.mark.parametrize("register", PARAMETRIZED.values(), ids=PARAMETRIZED)
def test_other_coefficients_do_not_keep_what_makes_the_weight(register: Callable[[nn.Conv2d], nn.Module]) -> None:
    model = normalized(register)
    for options in ({"parameterization": "spectral"}, {"window": 2.0}, {"keep_weights": False}):
        says = r"layer '0'.*weight is made by (\w+).*; torch.nn.utils.*remove_\w+\(conv, 'weight'\)"
        with pytest.raises(ValueError, match=says):
            convert(model, **options)


def test_the_old_weight_norm_stays_with_the_convolution() -> None:
    conv = weight_norm_of_old(nn.Conv2d(2, 3, 3))
    layer = from_conv(conv)
    with torch.no_grad():
        conv.weight_g.mul_(2)  # type: ignore[operator]
    x = torch.randn(1, 2, 8, 8)
    assert relative_error(layer(x), conv(x)) < 1e-6
    originals: Any = layer.parametrizations["coefficients"]  # type: ignore[index]
    assert originals.original0 is conv.weight_g
    assert originals.original1 is conv.weight_v


# --- hooks ---


def test_hooks_go_on_and_their_handles_remove_them() -> None:
    calls: list[str] = []
    conv = nn.Conv2d(2, 3, 3)

    def note(name: str) -> Callable[..., None]:
        return lambda *_: calls.append(name)

    handles = [
        conv.register_forward_pre_hook(note("pre")),
        conv.register_forward_pre_hook(note("pre with kwargs"), with_kwargs=True),
        conv.register_forward_hook(note("forward")),
        conv.register_forward_hook(note("forward with kwargs"), with_kwargs=True, always_call=True),
        conv.register_full_backward_pre_hook(note("backward pre")),
        conv.register_full_backward_hook(note("backward")),
    ]
    names = ["pre", "pre with kwargs", "forward", "forward with kwargs", "backward pre", "backward"]
    layer = convert(nn.Sequential(conv), "scaled")
    x = torch.randn(1, 2, 8, 8, requires_grad=True)
    layer(x).sum().backward()
    assert calls == names
    for handle in handles:
        handle.remove()
    layer(x).sum().backward()
    assert calls == names


def test_handles_of_hooks_beside_the_old_weight_norm_work() -> None:
    calls: list[str] = []
    conv = weight_norm_of_old(nn.Conv2d(2, 3, 3))
    handle = conv.register_forward_pre_hook(lambda *_: calls.append("pre"))
    layer = from_conv(conv)
    layer(torch.randn(1, 2, 8, 8))
    assert calls == ["pre"]
    handle.remove()
    layer(torch.randn(1, 2, 8, 8))
    assert calls == ["pre"]


# --- networks ---


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {  # with the number of convolutions, and of pixels
    "resnet18": (lambda: resnet18(8), 20, 64),
    "unet": (lambda: UNet(8), 11, 32),
    "convnext": (lambda: convnext(8), 9, 64),
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize(("build", "number", "size"), NETWORKS.values(), ids=NETWORKS)
def test_networks_compute_the_same(build: Callable[[], nn.Module], number: int, size: int, name: str) -> None:
    model = build().eval()
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        expected = model(x)
        assert convert(model, name) is model
        assert len(list(fourier_layers(model))) == number
        assert relative_error(model(x), expected) < 5e-6


@pytest.mark.full
def test_a_resnet18_of_full_width_computes_the_same() -> None:
    model = resnet18().eval()
    x = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        expected = model(x)
        assert relative_error(convert(model)(x), expected) < 5e-6


def test_training_goes_on_as_it_would_have() -> None:
    """With random numbers drawn between the steps, momentum, and BatchNorm's running statistics."""
    curves, states = [], []
    for change in (lambda model: model, convert):
        torch.manual_seed(3)
        model = resnet18(4).double()
        optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        change(model)
        curves.append(losses(model, optimizer, 10, 4, 3, 64, 64))
        states.append([value for value in model.state_dict().values() if value.is_floating_point()])
    assert curves[1] == pytest.approx(curves[0], rel=1e-8)
    assert curves[0][9] < curves[0][0] / 5
    for own, theirs in zip(*states, strict=True):
        assert relative_error(own, theirs) < 1e-7


class Shared(nn.Module):
    """A layer in several places, and layers that share their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 2, 3, padding=1)
        self.blocks = nn.ModuleList([nn.Sequential(self.first, nn.ReLU()), nn.ModuleDict({"again": self.first})])
        self.alias = self.first
        self.wide = nn.Conv2d(2, 2, 3, padding=2, dilation=2)
        self.wide.weight = self.first.weight
        self.biased = nn.Conv2d(2, 2, 1)
        self.biased.bias = self.first.bias

    def forward(self, x: Tensor) -> Tensor:
        for module in (self.blocks[0], self.blocks[1]["again"], self.alias, self.wide, self.biased):  # type: ignore[index]
            x = module(x)
        return x


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "new"])
@pytest.mark.parametrize(("name", "window"), [("spatial", None), ("scaled", 3.0), ("spectral", None)])
def test_shared_layers_and_weights_stay_shared(name: str, window: float | None, keep: bool) -> None:
    model = Shared()
    number = len(list(model.parameters()))
    x = torch.randn(1, 2, 8, 8)
    expected = model(x)
    convert(model, name, keep_weights=keep, window=window)
    first, wide = model.first, model.wide
    assert isinstance(first, FourierConv2d)
    assert model.blocks[0][0] is model.blocks[1]["again"] is model.alias is first
    for learned in ("coefficients", "scale", "window"):
        assert getattr(wide, learned) is getattr(first, learned)
    assert wide.bias is not first.bias
    assert model.biased.bias is first.bias
    assert len(list(model.parameters())) == number + (4 if name == "scaled" else 0)
    assert (relative_error(model(x), expected) < 1e-5) == keep


def test_shared_weights_share_what_makes_kernels_of_them() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3))
    model[1].weight = model[0].weight
    convert(model, "spacings", keep_weights=False)
    assert model[0].coordinates is model[1].coordinates
    assert len(list(model.parameters())) == 5


@pytest.mark.parametrize("training", [True, False])
def test_shared_scales_are_applied_alike(training: bool) -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 5, padding=2), nn.Conv2d(2, 2, 5, padding=2))
    model[1].weight, model[1].bias = model[0].weight, model[0].bias
    convert(model, "scaled").train(training)
    x = torch.randn(1, 2, 16, 16)
    with torch.no_grad():
        model[0].scale.fill_(5.0)  # type: ignore[operator]
        assert torch.equal(model[0](x), model[1](x))


@pytest.mark.parametrize("name", NAMES)
def test_new_weights_are_the_constructors(name: str) -> None:
    model = nn.Sequential(nn.Conv1d(2, 4, 3, bias=False), nn.Sequential(nn.Conv3d(2, 2, 2, groups=2)))
    torch.manual_seed(5)
    convert(model.eval(), name, keep_weights=False)
    torch.manual_seed(5)
    expected = [
        FourierConv1d(2, 4, 3, bias=False, parameterization=name),
        FourierConv3d(2, 2, 2, groups=2, parameterization=name),
    ]
    layers = list(fourier_layers(model))
    for layer, other in zip(layers, expected, strict=True):
        assert not layer.training
        assert repr(layer) == repr(other)
        for own, theirs in zip(layer.parameters(), other.parameters(), strict=True):
            assert torch.equal(own, theirs)


def test_a_convolution_is_a_model_whose_layer_is_returned() -> None:
    conv = nn.Conv2d(2, 3, 3)
    layer = convert(conv)
    assert isinstance(layer, FourierConv2d)
    assert layer.coefficients is conv.weight
    with pytest.raises(ValueError, match=r"^parameterization='spline' does not hold"):
        convert(conv, "spline")


def test_what_is_asked_for_is_converted() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 4, 5)))
    x = torch.randn(1, 3, 16, 16)
    before = model(x)
    asked: list[str] = []

    def where(name: str, conv: nn.Module) -> bool:
        asked.append(name)
        assert isinstance(conv, nn.Conv2d)
        return max(conv.kernel_size) > 1

    convert(model, "scaled", where=where)
    assert asked == ["0", "1.0", "1.1"]
    assert [isinstance(layer, FourierConv2d) for layer in (model[0], *model[1])] == [True, False, True]  # type: ignore
    torch.testing.assert_close(model(x), before, rtol=1e-4, atol=1e-5)
    message = (
        r"no nn\.Conv1d, nn\.Conv2d or nn\.Conv3d that `where` asks for to convert; it has 2 Fourier layers, which"
    )
    with pytest.raises(ValueError, match=message):
        convert(model, "scaled", where=lambda name, conv: False)


@pytest.mark.parametrize("k", [3, 5, 11, 15])
def test_a_window_starts_as_wide_as_the_taps(k: int) -> None:
    conv = nn.Conv2d(2, 3, k)
    layer = from_conv(conv, "window")
    assert float(layer.coefficients.detach().abs().max()) < 3 * float(conv.weight.detach().abs().max())
    assert layer.scale is not None
    assert layer.scale.item() == pytest.approx(max(k / 2, 1.0))
    narrow = from_conv(nn.Conv2d(2, 3, 3), "window", scale=1.0)
    assert narrow.scale is not None
    assert narrow.scale.item() == 1.0


def test_a_fourier_layer_is_told_the_way_back() -> None:
    with pytest.raises(TypeError, match=r"conv=FourierConv2d is not one of them; .*; to_conv makes one of a Fourier"):
        from_conv(FourierConv2d(1, 2, 3), "scaled")


def test_fourier_layers_are_left_alone() -> None:
    own = FourierConv2d(2, 3, 3, parameterization="implicit")
    model = convert(nn.Sequential(own, nn.Conv2d(3, 2, 3)), "scaled")
    assert isinstance(model, nn.Sequential)
    assert model[0] is own
    assert isinstance(model[1], FourierConv2d)


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_what_is_left_is_listed_once(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.ModuleDict(
        {
            "conv": nn.Conv2d(1, 1, 3),
            "up": nn.ConvTranspose1d(1, 1, 3),
            "later": nn.Sequential(nn.LazyConv3d(1, 3)),
            "own": Standardized(1, 1, 3),
        }
    )
    with caplog.at_level(logging.WARNING, logger="fourierconv"):
        convert(model)
    assert [(record.name, record.levelname) for record in caplog.records] == [("fourierconv", "WARNING")]
    assert caplog.messages == [
        "ModuleDict: convert leaves 'up' (ConvTranspose1d is a transposed convolution), "
        "'later.0' (LazyConv3d is lazy: run it once first), 'own' (Standardized has a forward of its own)"
    ]
    caplog.clear()
    convert(nn.Sequential(nn.Conv2d(1, 1, 3)))
    assert not caplog.records


NOTHING: tuple[tuple[Callable[[], nn.Module], str], ...] = (
    (lambda: nn.Linear(2, 3), "model=Linear has no nn.Conv1d, nn.Conv2d or nn.Conv3d to convert; it has 0 Fourier"),
    (
        lambda: nn.Sequential(FourierConv2d(1, 1, 3)),
        "model=Sequential has no .*; it has 1 Fourier layers, which to_conv turns into such$",
    ),
    (lambda: nn.ConvTranspose2d(1, 1, 3), "and of other convolutions '' .ConvTranspose2d is a transposed convolution"),
    (lambda: nn.Sequential(nn.LazyConv2d(1, 3)), "other convolutions '0' .LazyConv2d is lazy: run it once first"),
)


@pytest.mark.parametrize(("build", "says"), NOTHING, ids=["linear", "fourier", "transposed", "lazy"])
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_a_model_without_convolutions_is_refused(build: Callable[[], nn.Module], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        convert(build())


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match=r"model must be an nn\.Module, but got list"):
        convert([nn.Conv2d(1, 1, 3)])  # type: ignore[arg-type]


ERRORS: tuple[tuple[str, type[Exception], str, dict[str, Any]], ...] = (
    ("unknown", ValueError, "layer 'a': parameterization='cubes' is unknown", {"parameterization": "cubes"}),
    ("option", TypeError, "layer 'a': .*unexpected keyword argument 'speed'", {"speed": 2}),
    ("no scale", ValueError, "layer 'a': scale=2.0: parameterization='spatial' has no scale", {"scale": 2.0}),
    ("taps", ValueError, "layer 'b.0': parameterization='spline' does not hold", {"parameterization": "spline"}),
    ("limits", ValueError, "layer 'a': scale=100", {"parameterization": "scaled", "scale": 100}),
    ("modes", ValueError, "layer 'b.0': .*modes", {"parameterization": "truncated", "reference_grid": 1}),
    ("pruned", ValueError, "layer 'c': weight is made by RandomUnstructured", {}),
)


@pytest.mark.parametrize(("name", "kind", "says", "options"), ERRORS, ids=[name for name, *_ in ERRORS])
def test_on_an_error_the_model_is_as_before(name: str, kind: type[Exception], says: str, options: Any) -> None:
    model = nn.ModuleDict(
        {
            "a": nn.Conv2d(2, 3, 1),
            "b": nn.Sequential(nn.Conv2d(2, 3, 3)),
            "c": pruned("weight") if name == "pruned" else nn.Conv2d(2, 3, 3),
            "n": weight_norm_of_old(nn.Conv2d(2, 3, 3)),
        }
    )
    modules = dict(model.named_modules())
    hooks = {own: list(module._forward_pre_hooks.values()) for own, module in modules.items()}
    parameters = dict(model.named_parameters())
    state = {own: value.clone() for own, value in model.state_dict().items()}
    random = torch.get_rng_state()
    with pytest.raises(kind, match=says):
        convert(model, **options)
    assert torch.equal(torch.get_rng_state(), random)
    after = dict(model.named_modules())
    assert list(after) == list(modules)
    assert all(after[own] is module for own, module in modules.items())
    assert {own: list(module._forward_pre_hooks.values()) for own, module in after.items()} == hooks
    assert all(value is parameters[own] for own, value in model.named_parameters())
    assert all(torch.equal(value, state[own]) for own, value in model.state_dict().items())


def test_the_networks_take_images() -> None:
    x = torch.randn(2, 1, 64, 48)
    assert resnet18(4, channels=1, classes=7)(x).shape == (2, 7)
    assert UNet(4, channels=1, classes=3)(x).shape == (2, 3, 64, 48)
    assert convnext(4, channels=1, classes=5)(x).shape == (2, 5)
    assert sum(parameter.numel() for parameter in resnet18(classes=1000).parameters()) == 11_689_512
