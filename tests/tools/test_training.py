"""Training as it is done: gradient penalties, checkpoints, hooks, frozen, normalized and pruned coefficients."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from fourierconv import FourierConv2d
from tests.layer_cases import LayerCase
from tests.tools.cases import assert_alike, of_every_kind, on_every_device, outcome


@on_every_device
@pytest.mark.parametrize("mode", ["zeros", "replicate"])
def test_the_derivatives_of_a_gradient_penalty(mode: str, device: str) -> None:
    layer = FourierConv2d(
        1,
        2,
        2,
        padding=1,
        padding_mode=mode,
        parameterization="scaled",
        scale=1.3,
        per_axis=True,
        device=device,
        dtype=torch.float64,
    )
    names, values = zip(*layer.named_parameters(), strict=True)
    x = torch.randn(2, 1, 4, 3, dtype=torch.float64, device=device, requires_grad=True)

    def penalty(x: Tensor, *parameters: Tensor) -> Tensor:
        output = functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))
        (slope,) = torch.autograd.grad(output.sin().sum(), x, create_graph=True)
        return (slope.square().sum() - 1).square()

    assert torch.autograd.gradcheck(penalty, (x, *values))


@on_every_device
@of_every_kind
def test_a_gradient_penalty_trains_every_parameter(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(x).sin().sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in layer.parameters())


@on_every_device
@pytest.mark.parametrize("reentrant", [False, True])
@of_every_kind
def test_checkpoints_change_no_gradient(case: LayerCase, reentrant: bool, device: str) -> None:
    first = case.build(2, 4, 3, padding=1, bias=True, groups=2, device=device)
    model = nn.Sequential(first, nn.Tanh(), case.build(4, 2, 3, padding=1, device=device))
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    expected = outcome(model, x, model.parameters())
    x.requires_grad_()
    output = checkpoint_sequential(model, 3, x, use_reentrant=reentrant)
    output.square().sum().backward()
    gradients = [value.grad for value in (x, *model.parameters())]
    assert all(value is not None for value in gradients)
    assert_alike([output, *gradients], expected)  # type: ignore[list-item]


@on_every_device
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("lower", [torch.bfloat16, torch.float16], ids=str)
def test_checkpoints_under_autocast(lower: torch.dtype, reentrant: bool, device: str) -> None:
    """What is computed again, in the backward pass, is computed in the same dtypes."""
    layer = FourierConv2d(2, 4, 3, padding=1, parameterization="scaled", scale=1.3, device=device)
    x = torch.randn(2, 2, 7, 6, device=device, requires_grad=True)
    along = torch.randn(2, 4, 7, 6, device=device).to(lower)
    outcomes = []
    for call in (layer, partial(checkpoint, layer, use_reentrant=reentrant)):
        layer.zero_grad()
        x.grad = None
        with torch.autocast(device, dtype=lower):
            output = call(x)
        assert output.dtype == lower
        output.backward(along)
        outcomes.append(
            [output.detach(), *(value.grad for value in (x, *layer.parameters()) if value.grad is not None)]
        )
    assert len(outcomes[0]) == 5
    assert_alike(outcomes[1], outcomes[0], 1e-6)


@on_every_device
@of_every_kind
def test_frozen_layers_train_their_bias_alone(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    expected = torch.autograd.grad(layer(x).square().sum(), [bias_of(layer)])
    layer.requires_grad_(False)
    assert not layer(x).requires_grad
    bias_of(layer).requires_grad_()
    layer(x).square().sum().backward()
    assert [name for name, own in layer.named_parameters() if own.grad is not None] == ["bias"]
    assert_alike([bias_of(layer).grad], expected)  # type: ignore[list-item]


def bias_of(layer: FourierConv2d) -> nn.Parameter:
    assert layer.bias is not None
    return layer.bias


@on_every_device
@of_every_kind
def test_hooks_see_every_gradient_once_and_may_change_it(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    expected = torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()))
    seen: list[str] = []

    def halve(name: str, gradient: Tensor) -> Tensor:
        seen.append(name)
        return gradient / 2

    passes: list[tuple[Tensor, ...]] = []
    layer.register_full_backward_hook(lambda _, inner, outer: passes.append((*inner, *outer)))
    for name, parameter in layer.named_parameters():
        parameter.register_hook(partial(halve, name))
    layer(x.requires_grad_()).square().sum().backward()
    assert sorted(seen) == sorted(name for name, _ in layer.named_parameters())
    assert_alike([2 * own.grad for own in layer.parameters() if own.grad is not None], expected)
    assert [value.shape for value in passes[0]] == [x.shape, (2, 4, 7, 6)]


@on_every_device
@of_every_kind
def test_weight_normalized_layers_train(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    before = layer(x)
    parametrizations.weight_norm(layer, "coefficients")
    assert_alike([layer(x)], [before], 1e-6 if device == "cuda" else 1e-12)  # torch takes float32's root of float64
    names = [name for name, _ in layer.named_parameters()]
    assert {"parametrizations.coefficients.original0", "parametrizations.coefficients.original1"} <= set(names)
    optimizer = torch.optim.SGD(layer.parameter_groups(lr=1e-3), momentum=0.9)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = layer(x).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


@on_every_device
@of_every_kind
def test_pruned_coefficients_stay_zero(case: LayerCase, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, device=device)
    x = torch.randn(2, 2, 7, 6, dtype=torch.float64, device=device)
    prune.l1_unstructured(layer, "coefficients", amount=0.5)
    zeros = layer.coefficients == 0
    assert int(zeros.sum()) == zeros.numel() // 2
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()
    pruned = layer(x)
    prune.remove(layer, "coefficients")
    assert torch.equal(layer.coefficients == 0, zeros)
    assert_alike([layer(x)], [pruned], 0.0)
