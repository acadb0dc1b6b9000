"""Trained kernels: the networks are those of the runs, and smooth spectra are small kernels, measured in frequency."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fourierconv import FourierConv2d
from fourierconv.extent import rms_radius
from fourierconv.study import frames, models, trained
from fourierconv.study.experiments import image_size
from fourierconv.study.frames import Runs
from fourierconv.study.store import StudyError
from tests.study.finished_runs import image_size_store


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    store = image_size_store(tmp_path_factory.mktemp("runs"), sizes=[32], seeds=2)
    return frames.runs(image_size, "quick", store, seed=1, sizes=[32])


def test_networks_hold_the_weights_of_the_runs(runs: Runs) -> None:
    networks = trained.networks(runs)
    assert list(networks) == [(32, method) for method in image_size.METHODS]
    config = next(run.config for run in runs.results if (run.config.method, run.config.seed) == ("window", 1))
    weights = runs.store.weights(image_size, config)
    assert all(torch.equal(values, weights[name]) for name, values in networks[32, "window"].state_dict().items())


def test_weights_that_are_gone_are_named(tmp_path: Path) -> None:
    store = image_size_store(tmp_path, sizes=[32], seeds=2)
    runs = frames.runs(image_size, "quick", store, seed=1, sizes=[32])
    store.path(image_size, runs.results[0].config).with_suffix(".safetensors").unlink()
    with pytest.raises(StudyError, match="safetensors is damaged"):
        trained.networks(runs)


def test_every_kernel_has_a_row(runs: Runs) -> None:
    network = trained.networks(runs)[32, "scaled_channel"]
    rows = trained.kernel_rows({(32, "scaled_channel"): network})
    first, second, third = runs.results[0].config.widths
    assert rows.groupby("layer").size().tolist() == [first, first * second, second * third]
    means = rows.groupby("layer")["extent"].mean()
    assert means.tolist() == pytest.approx(models.extents(network), rel=1e-3)


@given(st.integers(1, 8), st.integers(0, 99))
def test_roughness_measured_in_frequency_is_that_of_the_radius(k: int, seed: int) -> None:
    kernels = torch.randn(3, k, k, generator=torch.Generator().manual_seed(seed))
    expected = (2 * torch.pi * rms_radius(kernels, 2)).square()
    torch.testing.assert_close(trained.measured_roughness(kernels), expected, rtol=0.08, atol=1e-4)


def test_taps_are_those_that_the_layer_applies() -> None:
    layer = FourierConv2d(2, 3, 5, padding="same", parameterization="scaled", scale=2.5)
    kernels = trained.taps(layer)
    image = torch.randn(1, 2, 40, 40)
    torch.testing.assert_close(torch.nn.functional.conv2d(image, kernels, layer.bias, padding="same"), layer(image))
