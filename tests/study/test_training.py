import copy

import numpy as np
import pytest
import torch
from torch import nn

from fourierconv import FourierConv2d
from fourierconv.study import methods, training
from fourierconv.study.data import ImageSet
from fourierconv.study.meter import Meter
from fourierconv.study.models import ConvNet
from fourierconv.study.store import StudyError
from fourierconv.study.training import accuracy, fit, train_classifier


def bright_or_dark(count: int) -> ImageSet:
    """Two classes that differ in brightness alone."""
    labels = np.arange(count) % 2
    noise = np.random.default_rng(0).integers(0, 60, (count, 1, 16, 16))
    images = (noise + 120 * labels[:, None, None, None]).astype(np.uint8)
    return ImageSet(images, labels, images, labels, classes=("dark", "bright"))


def trained(seed: int) -> tuple[ConvNet, list[dict[str, object]], list[str]]:
    torch.manual_seed(seed)
    model = ConvNet(methods.get("scaled_layer"), channels=1, widths=(4, 4, 4), classes=2)
    lines: list[str] = []
    history = train_classifier(model, bright_or_dark(64), epochs=8, batch=8, lr=0.01, seed=seed, report=lines.append)
    return model, history, lines


def test_a_network_learns_what_can_be_learned() -> None:
    model, history, lines = trained(seed=0)
    data = bright_or_dark(64)
    assert accuracy(model, data.test_images, data.test_labels) == 100
    assert [entry["epoch"] for entry in history] == list(range(1, 9))
    assert len(lines) == 8
    assert all("left" in line for line in lines)


def test_training_is_a_function_of_the_seed() -> None:
    first, again, other = (trained(seed)[0].state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["0.coefficients"], other["0.coefficients"])


def test_the_seed_alone_orders_the_batches() -> None:
    start, data = ConvNet(methods.get("conv2d_5"), channels=1, widths=(2, 2, 2), classes=2), bright_or_dark(16)
    losses = []
    for seed in (0, 0, 1):
        model, lines = copy.deepcopy(start), list[str]()
        history = train_classifier(model, data, epochs=1, batch=4, lr=0.01, seed=seed, report=lines.append)
        losses.append(history[0]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_images_left_out_of_an_epoch_do_not_count_in_its_accuracy() -> None:
    linear = nn.Linear(1, 2)
    nn.init.constant_(linear.bias, 0.0)
    linear.bias.data[1] = 1.0
    linear.weight.data = torch.tensor([[-1.0], [1.0]])  # dark images are at -1.5, bright ones above 0
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear)
    data = bright_or_dark(20)
    assert accuracy(model, data.test_images, data.test_labels) == 100
    history = train_classifier(model, data, epochs=1, batch=8, lr=0.0, seed=0, report=lambda line: None)
    assert history[0]["train_accuracy"] == 100


def test_scales_at_their_bound_are_counted_over_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "refresh", lambda model: 1)
    model = ConvNet(methods.get("conv2d_5"), channels=1, widths=(2, 2, 2), classes=2)
    data = bright_or_dark(42)
    history = train_classifier(model, data, epochs=2, batch=2, lr=0.01, seed=0, report=lambda line: None)
    assert [entry["bounded"] for entry in history] == [3, 3]  # after steps 1, 11 and 21


def test_a_network_is_tested_as_it_was_trained_whatever_is_in_a_batch() -> None:
    data, model = bright_or_dark(8), ConvNet(methods.get("conv2d_5"), channels=1, widths=(2, 2, 2), classes=2)
    before = {name: own.clone() for name, own in model.train().state_dict().items()}
    accuracy(model, data.test_images, data.test_labels)
    assert all(torch.equal(own, before[name]) for name, own in model.state_dict().items())


def test_a_loss_that_is_not_a_number_stops_the_run() -> None:
    model = ConvNet(methods.get("conv2d_5"), channels=1, widths=(2, 2, 2), classes=2)
    next(iter(model[-1].parameters())).data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="epoch 1"):
        train_classifier(model, bright_or_dark(16), epochs=2, batch=8, lr=0.01, seed=0, report=print)


def test_regression_finds_a_kernel_of_its_own_family() -> None:
    torch.manual_seed(0)
    layers = [FourierConv2d(1, 2, 3, padding="same", padding_mode="circular", bias=False) for _ in range(2)]
    images = torch.randn(16, 1, 16, 16)
    targets = layers[0](images).detach()
    losses = fit(layers[1], images, targets, steps=150, batch=8, lr=0.05, seed=0)
    assert losses[-1] < 1e-6 * losses[0]
    torch.testing.assert_close(layers[1].weight, layers[0].weight, rtol=0, atol=1e-3)


def test_images_on_a_device_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    images, index = bright_or_dark(8).train_images, torch.tensor([5, 0, 2])
    expected = training.Batches(images, torch.device("cpu"))(index)
    monkeypatch.setattr(training, "fit_on", lambda nbytes, device: True)
    assert torch.equal(training.Batches(images, torch.device("cpu"))(index), expected)


def test_the_device_is_what_the_environment_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert training.device() == torch.device("cpu")
    monkeypatch.setenv("FOURIERCONV_DEVICE", "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.device() == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert training.device() == torch.device("cuda", 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(StudyError, match="FOURIERCONV_DEVICE=cuda must be cpu, or cuda where there is such a device"):
        training.device()
    monkeypatch.setenv("FOURIERCONV_DEVICE", "tpu")
    with pytest.raises(StudyError, match="FOURIERCONV_DEVICE=tpu"):
        training.device()


def test_sgd_and_the_rate_of_scales() -> None:
    layer = methods.get("scaled_layer").layer(1, 2, "zeros")
    sgd = training.optimizer(layer, 0.01, "sgd", scale_rate=3.0)
    assert isinstance(sgd, torch.optim.SGD)
    assert [group["lr"] for group in sgd.param_groups] == [0.01, pytest.approx(0.03)]
    assert all(group["momentum"] == 0.9 for group in sgd.param_groups)
    assert [group["lr"] for group in training.optimizer(layer, 0.01).param_groups] == [0.01, pytest.approx(0.1)]


def test_a_meter_takes_the_median_and_sees_memory() -> None:
    meter = Meter(torch.device("cpu"))
    big = torch.ones(2**24)  # 64 MiB
    del big
    for _ in range(8):
        meter.tick()
    meter.seconds[-1] = 100.0
    measured = meter.measured()
    assert 0 < measured["step_s"] < 1
    if "peak_mb" in measured:  # where the system tells
        assert 48 < measured["peak_mb"] < 256
