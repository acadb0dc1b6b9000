"""torch.autocast and GradScaler: torch's dtypes outside, float32 spectra inside."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv import FourierConv2d, functional, penalties
from tests.cases import FUNCTIONS, dims_of
from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device

LOWER = (torch.bfloat16, torch.float16)
in_every_lower_dtype = pytest.mark.parametrize("lower", LOWER, ids=str)


@pytest.fixture(autouse=True)
def _full_float32() -> Iterator[None]:
    """The float32 result that outputs are compared with is not to be one of TF32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


def dtype_of(work: Callable[[], Tensor]) -> torch.dtype | type[Exception]:
    """Of the result, or the kind of the refusal."""
    try:
        return work().dtype
    except Exception as error:
        return type(error)


@on_every_device
@in_every_lower_dtype
@of_every_kind
def test_the_output_is_the_float32_result_rounded_once(case: LayerCase, lower: torch.dtype, device: str) -> None:
    layer = case.build(4, 6, 3, padding=1, bias=True, groups=2, dtype=torch.float32, device=device)
    for given in (torch.float32, lower):
        x = torch.randn(2, 4, 9, 8, device=device).to(given)
        with torch.autocast(device, dtype=lower):
            output = layer(x)
        assert torch.equal(output, layer(x.float()).to(lower))


@on_every_device
@in_every_lower_dtype
@of_every_kind
def test_gradients_are_float32s(case: LayerCase, lower: torch.dtype, device: str) -> None:
    layer = case.build(4, 6, 3, padding=1, bias=True, groups=2, dtype=torch.float32, device=device)
    x = torch.randn(2, 4, 9, 8, device=device, requires_grad=True)
    along = torch.randn(2, 6, 9, 8, device=device).to(lower)
    expected = torch.autograd.grad(layer(x), [x, *layer.parameters()], along.float())
    with torch.autocast(device, dtype=lower):
        after = layer(x)
        inside = torch.autograd.grad(layer(x), [x, *layer.parameters()], along)
    outside = torch.autograd.grad(after, [x, *layer.parameters()], along)
    assert_alike(outside, expected, 1e-6)
    assert_alike(inside[:1], expected[:1], 1e-6)
    # there autocast reaches the matrices of learned scales; torch advises against it
    assert_alike(inside, expected, 32 * torch.finfo(lower).eps)


@on_every_device
@in_every_lower_dtype
@pytest.mark.parametrize("weights", [torch.float32, torch.float64, *LOWER], ids=str)
@pytest.mark.parametrize("given", [torch.float32, torch.float64, *LOWER], ids=str)
def test_layers_give_conv2ds_dtypes(given: torch.dtype, weights: torch.dtype, lower: torch.dtype, device: str) -> None:
    x = torch.randn(2, 3, 8, 8, device=device).to(given)
    conv, layer = (cls(3, 4, 3, device=device, dtype=weights) for cls in (nn.Conv2d, FourierConv2d))
    with torch.autocast(device, dtype=lower):
        assert dtype_of(lambda: layer(x)) == dtype_of(lambda: conv(x))
        with torch.autocast(device, enabled=False):
            assert dtype_of(lambda: layer(x)) == dtype_of(lambda: conv(x))


@on_every_device
@in_every_lower_dtype
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_give_torchs_dtypes_and_the_float32_result(name: str, lower: torch.dtype, device: str) -> None:
    ours, theirs = getattr(functional, name), getattr(F, name)
    dims = dims_of(name)
    drawn = [torch.randn(shape, device=device) for shape in ((2, 4, *[6] * dims), (4, 4, *[3] * dims), (4,))]
    for dtypes in ((torch.float32,) * 3, (lower, torch.float32, torch.float32), (torch.float32, lower, lower)):
        operands = [value.to(dtype) for value, dtype in zip(drawn, dtypes, strict=True)]
        with torch.autocast(device, dtype=lower):
            output, reference = ours(*operands), theirs(*operands)
        assert output.dtype == reference.dtype == lower
        assert torch.equal(output, ours(*(value.float() for value in operands)).to(lower))
    operands = [value.double() for value in drawn]
    with torch.autocast(device, dtype=lower):
        assert ours(*operands).dtype == theirs(*operands).dtype == torch.float64


@on_every_device
@in_every_lower_dtype
def test_spectral_conv_takes_and_gives_what_conv2d_does(lower: torch.dtype, device: str) -> None:
    x = torch.randn(2, 3, 8, 7, device=device)
    spectrum = torch.randn(4, 3, 8, 4, dtype=torch.complex64, device=device)
    for given in (torch.float32, lower):
        with torch.autocast(device, dtype=lower):
            output = functional.spectral_conv(x.to(given), spectrum)
        assert torch.equal(output, functional.spectral_conv(x.to(given).float(), spectrum).to(lower))
    with torch.autocast(device, dtype=lower):
        assert functional.spectral_conv(x.double(), spectrum.to(torch.complex128)).dtype == torch.float64


@on_every_device
@in_every_lower_dtype
def test_autocast_is_left_off_where_it_is_switched_off(lower: torch.dtype, device: str) -> None:
    layer, x = FourierConv2d(3, 4, 3, device=device), torch.randn(2, 3, 8, 8, device=device)
    expected = layer(x)
    with torch.autocast(device, dtype=lower):
        with torch.autocast(device, enabled=False):
            assert torch.equal(layer(x), expected)
        assert layer(x).dtype == lower
        assert torch.is_autocast_enabled(device)  # as it was before the layer


def scaled_training(device: str) -> tuple[nn.Module, torch.amp.GradScaler, Callable[[Tensor], Tensor]]:
    torch.manual_seed(0)
    first = FourierConv2d(2, 4, 3, padding=1, parameterization="scaled", device=device)
    model = nn.Sequential(first, nn.Tanh(), FourierConv2d(4, 1, 3, padding=1, device=device))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler(device)

    def step(x: Tensor) -> Tensor:
        optimizer.zero_grad()
        with torch.autocast(device, dtype=torch.float16):
            loss = F.mse_loss(model(x), x[:, :1])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        first.refresh()
        return loss.detach()

    return model, scaler, step


@on_every_device
def test_training_with_a_gradient_scaler_learns(device: str) -> None:
    model, _, step = scaled_training(device)
    x = torch.randn(4, 2, 9, 8, device=device)
    losses = [float(step(x)) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())


@on_every_device
def test_a_gradient_scaler_skips_a_step_that_overflows(device: str) -> None:
    model, scaler, step = scaled_training(device)
    x = torch.randn(4, 2, 9, 8, device=device)
    step(x)
    before = [parameter.clone() for parameter in model.parameters()]
    scale = scaler.get_scale()
    step(1e6 * x)  # beyond float16
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
    assert scaler.get_scale() < scale
    step(x)
    assert not any(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


@in_every_lower_dtype
@of_every_kind
def test_layers_are_read_as_without_it(case: LayerCase, lower: torch.dtype) -> None:
    layer = case.build(2, 3, 3)

    def read() -> list[Tensor]:
        sizes = [layer.extent(), layer.mass_curve(), layer.operator_norm(), layer.singular_values(8)]
        return [layer.spectrum(8), layer.kernel(9), *sizes, penalties.sobolev(layer), penalties.size(layer)]

    expected, shown = read(), repr(layer)
    with torch.autocast("cpu", dtype=lower):
        assert all(map(torch.equal, read(), expected))
        assert repr(layer) == shown
        torch.manual_seed(0)
        layer.reset_parameters()
    torch.manual_seed(0)
    same = copy.deepcopy(layer)
    same.reset_parameters()
    assert torch.equal(same.coefficients, layer.coefficients)
