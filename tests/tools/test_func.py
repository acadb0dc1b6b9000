"""torch.func and forward-mode derivatives: what works with torch's convolutions works here, with the same numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import (
    functional_call,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    stack_module_state,
    vjp,
    vmap,
)
from torch.nn import functional as F
from torch.utils._pytree import tree_flatten

from fourierconv import FourierConv2d, engine, functional
from tests.cases import FUNCTIONS, dims_of
from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, in forward mode

Function = Callable[..., Tensor]


def energy(f: Function) -> Function:
    return lambda *operands: f(*operands).square().sum() / 2


def several(value: Tensor) -> Tensor:
    """Three that differ, stacked."""
    return torch.stack([value, value.flip(0), value.cos()])


# Of a convolution f(x, w, b), which is linear in each operand but not in all of them.
TRANSFORMS: dict[str, Callable[[Function, Tensor, Tensor, Tensor], Any]] = {
    "grad": lambda f, x, w, b: grad(energy(f), argnums=(0, 1, 2))(x, w, b),
    "vjp": lambda f, x, w, b: vjp(f, x, w, b)[1](f(x, w, b).cos()),
    "jvp": lambda f, x, w, b: jvp(f, (x, w, b), (x.cos(), w.cos(), b.cos())),
    "jvp of grad": lambda f, x, w, b: jvp(grad(energy(f), argnums=(0, 1)), (x, w, b), (x.cos(), w.cos(), b.cos())),
    "grad of jvp": lambda f, x, w, b: grad(
        lambda x, w: jvp(energy(f), (x, w, b), (x.cos(), w.cos(), b.cos()))[1], argnums=(0, 1)
    )(x, w),
    "vmap over images": lambda f, x, w, b: vmap(f, (0, None, None))(several(x), w, b),
    "vmap over the second axis": lambda f, x, w, b: vmap(f, (1, None, None))(several(x).movedim(0, 1), w, b),
    "vmap over weights": lambda f, x, w, b: vmap(f, (None, 0, 0))(x, several(w), several(b)),
    "vmap over pairs": lambda f, x, w, b: vmap(f)(several(x), several(w), several(b)),
    "vmap of vmap": lambda f, x, w, b: vmap(vmap(f, (0, None, None)), (None, 0, 0))(several(x), several(w), several(b)),
    "per-image gradients": lambda f, x, w, b: vmap(grad(energy(f), argnums=(1, 2)), (0, None, None))(x, w, b),
    "grad of vmap": lambda f, x, w, b: grad(energy(vmap(f, (0, None, None))), argnums=(0, 1))(several(x), w, b),
    "vmap of jvp": lambda f, x, w, b: vmap(lambda w: jvp(f, (x, w, b), (x.cos(), w.cos(), b.cos()))[1])(several(w)),
    "jacrev": lambda f, x, w, b: jacrev(f, argnums=(0, 1))(x, w, b),
    "jacfwd": lambda f, x, w, b: jacfwd(f, argnums=(0, 1))(x, w, b),
    "hessian": lambda f, x, w, b: hessian(energy(f), argnums=(0, 1))(x, w, b),
    "jacrev of jacfwd": lambda f, x, w, b: jacrev(jacfwd(energy(f), argnums=(0, 1)), argnums=(0, 1))(x, w, b),
    "jacrev of jacrev": lambda f, x, w, b: jacrev(jacrev(energy(f), argnums=(0, 1)), argnums=(0, 1))(x, w, b),
}


@on_every_device
@pytest.mark.parametrize(
    ("name", "transform"),
    [
        pytest.param(
            name, transform, marks=[pytest.mark.full] * (dims_of(name) == 3 and transform == "jacrev of jacfwd")
        )
        for name in FUNCTIONS
        for transform in TRANSFORMS
    ],
)
def test_functions_under_transforms_are_torchs(name: str, transform: str, device: str) -> None:
    dims = dims_of(name)
    options: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2}
    shapes = ((2, 2, *(3, 3, 2)[:dims]), (2, 1, *(3, 2, 1)[:dims]), (2,))
    operands = [torch.randn(shape, dtype=torch.float64, device=device) for shape in shapes]
    outcomes = []
    for module in (functional, F):
        convolve = getattr(module, name)
        value = TRANSFORMS[transform](lambda x, w, b, convolve=convolve: convolve(x, w, b, **options), *operands)
        outcomes.append(tree_flatten(value)[0])
    assert_alike(outcomes[0], outcomes[1])


@on_every_device
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_spatial_layers_under_transforms_are_conv2ds(transform: str, mode: str, device: str) -> None:
    options: dict[str, Any] = {"padding": 1, "padding_mode": mode, "device": device, "dtype": torch.float64}
    x = torch.randn(2, 2, 4, 3, dtype=torch.float64, device=device)
    w, b = (torch.randn(shape, dtype=torch.float64, device=device) for shape in ((2, 2, 3, 3), (2,)))
    outcomes = []
    for module, weight in (
        (FourierConv2d(2, 2, 3, **options), "coefficients"),
        (nn.Conv2d(2, 2, 3, **options), "weight"),
    ):

        def call(x: Tensor, w: Tensor, b: Tensor, module: nn.Module = module, weight: str = weight) -> Tensor:
            return functional_call(module, {weight: w, "bias": b}, (x,))

        outcomes.append(tree_flatten(TRANSFORMS[transform](call, x, w, b))[0])
    assert_alike(outcomes[0], outcomes[1])


# --- layers of every kind, with their scales, against loops and against torch.autograd ---


def of_parameters(layer: nn.Module) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda parameters, x: functional_call(layer, parameters, (x,))


def loss_of(layer: nn.Module) -> Callable[[dict[str, Tensor], Tensor], Tensor]:
    return lambda parameters, x: functional_call(layer, parameters, (x,)).square().sum()


@on_every_device
@of_every_kind
def test_an_ensemble_is_its_members(case: LayerCase, device: str) -> None:
    members = [case.build(2, 4, 3, padding=1, groups=2, bias=True, device=device) for _ in range(3)]
    for number, member in enumerate(members):
        if member.scale is not None:
            member.scale.data.mul_(1 + number / 20)
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64, device=device)
    parameters, buffers = stack_module_state(members)
    assert buffers == {}
    outputs = vmap(of_parameters(members[0]), (0, None))(parameters, x)
    assert_alike(list(outputs), [member(x) for member in members])
    gradients = vmap(grad(loss_of(members[0])), (0, None))(parameters, x)
    for number, member in enumerate(members):
        expected = torch.autograd.grad(member(x).square().sum(), list(member.parameters()))
        assert_alike([gradients[name][number] for name, _ in member.named_parameters()], expected, 1e-10)


@on_every_device
@of_every_kind
def test_per_image_gradients_are_those_of_a_loop(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(3, 2, 6, 5, dtype=torch.float64, device=device)
    parameters = {name: value.detach() for name, value in layer.named_parameters()}
    gradients = vmap(grad(loss_of(layer)), (None, 0))(parameters, x)
    for number, image in enumerate(x):
        expected = torch.autograd.grad(layer(image).square().sum(), list(layer.parameters()))
        assert_alike([gradients[name][number] for name in parameters], expected, 1e-10)


@on_every_device
@of_every_kind
def test_second_derivatives_are_those_of_autograd(case: LayerCase, device: str) -> None:
    layer = case.build(1, 2, 2 if case.allows(2) else 3, padding=1, bias=True, device=device)
    x = torch.randn(1, 4, 3, dtype=torch.float64, device=device)
    names, values = zip(*layer.named_parameters(), strict=True)
    own = range(len(names)) if case.name != "implicit" else range(2)  # its network has a thousand weights

    def loss(*parameters: Tensor) -> Tensor:
        return functional_call(layer, dict(zip(names, parameters, strict=True)), (x,)).sin().sum()

    where = tuple(own)
    values = tuple(value.detach() for value in values)
    expected = torch.autograd.functional.hessian(lambda *some: loss(*some, *values[len(where) :]), values[: len(where)])
    wanted = tree_flatten(expected)[0]
    for second in (hessian, lambda f, argnums: jacrev(jacfwd(f, argnums), argnums)):
        assert_alike(tree_flatten(second(loss, argnums=where)(*values))[0], wanted, 1e-9)


# --- forward mode ---


@on_every_device
@of_every_kind
def test_forward_mode_is_the_transpose_of_reverse_mode(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, groups=2, device=device)
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64, device=device, requires_grad=True)
    parameters = dict(layer.named_parameters())
    tangents = {name: torch.randn_like(value) for name, value in parameters.items()}
    along = torch.randn_like(x)
    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(value, tangents[name]) for name, value in parameters.items()}
        output = functional_call(layer, duals, (forward_ad.make_dual(x, along),))
        forward = forward_ad.unpack_dual(output).tangent
    assert forward is not None
    cotangent = torch.randn_like(forward)
    reverse = torch.autograd.grad(layer(x), [x, *parameters.values()], cotangent)
    pairs = zip(reverse, [along, *tangents.values()], strict=True)
    torch.testing.assert_close((forward * cotangent).sum(), torch.stack([(a * b).sum() for a, b in pairs]).sum())


@on_every_device
def test_numerical_derivatives_of_a_layer_in_both_modes(device: str) -> None:
    layer = FourierConv2d(
        1, 2, 2, padding=1, parameterization="scaled", scale=1.3, window=2.0, device=device, dtype=torch.float64
    )
    names, values = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(2, 1, 4, 3, dtype=torch.float64, device=device, requires_grad=True)

    def call(x: Tensor, *parameters: Tensor) -> Tensor:
        return functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *values), check_forward_ad=True, check_batched_grad=True)


@on_every_device
@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_mode_of_forward_mode_is_refused(name: str, device: str) -> None:
    dims = dims_of(name)
    x, w = (torch.randn(1, 1, *[size] * dims, dtype=torch.float64, device=device) for size in (3, 2))
    convolve = getattr(functional, name)
    message = r"forward-mode derivatives of forward-mode derivatives .* wrong in torch .* jacrev or vjp"
    with engine("whole"), pytest.raises(NotImplementedError, match=message):
        jacfwd(jacfwd(lambda w: convolve(x, w).square().sum()))(w)
    with engine("whole"), pytest.raises(NotImplementedError, match=message):
        jvp(lambda x: jvp(lambda x: convolve(x, w), (x,), (x,))[1], (x,), (x,))


@on_every_device
def test_derivatives_within_a_frozen_layer_are_those_without(device: str) -> None:
    layer = FourierConv2d(2, 3, 5, parameterization="scaled", engine="whole", device=device)
    x = torch.randn(2, 2, 12, 12, device=device)
    parameters = {name: value.detach() for name, value in layer.named_parameters()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return functional_call(layer, parameters, (x,)).square().sum()

    def derivatives() -> list[Tensor]:
        along = jvp(loss, (parameters,), (parameters,))[1]
        return [along, *grad(loss)(parameters).values()]

    expected = derivatives()
    with layer.frozen():
        assert_alike(derivatives(), expected, 1e-6)


@on_every_device
def test_nothing_is_asked_of_mapped_values_in_anomaly_mode(device: str) -> None:
    x, w = torch.randn(2, 1, 2, 9, 9, device=device), torch.randn(3, 2, 3, 3, device=device)
    with torch.autograd.set_detect_anomaly(True):
        found = vmap(lambda x: functional.conv2d(x, w))(x)
    torch.testing.assert_close(found, vmap(lambda x: F.conv2d(x, w))(x), rtol=1e-4, atol=1e-4)
