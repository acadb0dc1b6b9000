"""The tutorial's tables: networks are those of the runs, and sizes, bounds and differences are what they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fourierconv import FourierConv2d, convert, to_conv
from fourierconv.study import frames, in_and_out
from fourierconv.study.data import ImageSet
from fourierconv.study.experiments import own_network
from tests.study.finished_runs import own_network_store


def pictures(count: int) -> np.ndarray:
    values = torch.arange(count * 16 * 16, dtype=torch.float64).mul(0.7).sin().view(count, 1, 16, 16)
    return ((values + 1) * 127).to(torch.uint8).numpy()


def test_networks_are_those_of_the_runs_of_a_seed(tmp_path: Path) -> None:
    runs = frames.runs(own_network, "quick", own_network_store(tmp_path), seed=1, widths=[(8, 16, 32, 32)])
    found = in_and_out.networks(runs)
    assert list(found) == list(own_network.METHODS)
    config = next(run.config for run in runs.results if run.config.method == "converted")
    weights = runs.store.weights(own_network, config)
    assert all(torch.equal(values, weights[name]) for name, values in found["converted"].state_dict().items())


def test_trainings_stand_beside_the_time_that_each_took(tmp_path: Path) -> None:
    runs = frames.runs(own_network, "quick", own_network_store(tmp_path), widths=[(8, 16, 32, 32)])
    table = in_and_out.trainings(runs)
    assert table["seconds"].tolist() == [run.provenance["duration_s"] for run in runs.results]
    assert table["method"].tolist() == [run.config.method for run in runs.results]


def test_differences_are_relative_to_the_largest_output() -> None:
    one, other = nn.Flatten(), nn.Sequential(nn.Flatten(), nn.Threshold(1.5, 0.0))
    images = np.full((1, 1, 16, 16), 255, np.uint8)  # 2 after normalization
    images[0, 0, 0, 0] = 191  # 1 after it, nearly
    assert in_and_out.largest_difference(one, one, images) == 0
    assert in_and_out.largest_difference(one, other, images) == pytest.approx(0.5, abs=0.01)


def test_extents_have_a_row_per_channel() -> None:
    before = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3))
    after = nn.Sequential(FourierConv2d(1, 4, 3, parameterization="scaled", scale=3.0), nn.ReLU(), nn.Conv2d(4, 6, 3))
    sizes = in_and_out.extents(before, after)
    assert sizes["layer"].tolist() == [1] * 4 + [2] * 6
    first = sizes[sizes["layer"] == 1]
    assert (first["after"] > 1.5 * first["before"]).all()
    ranges = in_and_out.layer_ranges(sizes)
    assert ranges.index.tolist() == [1, 2]
    assert ((ranges["smallest"] <= ranges["after"]) & (ranges["after"] <= ranges["largest"])).all()


def test_exports_keep_their_tolerances_and_grow_as_they_fall() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(FourierConv2d(1, 4, 3, padding=1, parameterization="scaled", scale=2.0), nn.ReLU())
    tolerances = [0.3, 0.03, 0.003]
    exported = in_and_out.exports(model, tolerances)
    assert exported["tolerance"].tolist() == tolerances
    assert (exported["bound"] <= exported["tolerance"]).all()
    assert exported["taps"].is_monotonic_increasing
    table = in_and_out.report(to_conv(model, 0.03)[1])
    assert table["coefficients"].tolist() == ["3×3"]


def test_networks_are_compared_side_by_side() -> None:
    torch.manual_seed(0)
    images = pictures(8)
    letters = ImageSet(images, np.arange(8) % 2, images, np.arange(8) % 2, classes=("A", "B"))
    layers = (nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    original = nn.Sequential(*layers)
    converted = convert(nn.Sequential(*layers))
    table = in_and_out.side_by_side({"original": original, "converted": converted}, letters, rounds=2)
    assert table["network"].tolist() == ["original", "converted"]
    assert table["accuracy"].nunique() == 1
    for column in ("forward (ms)", "and backward (ms)"):
        assert table[column].str.fullmatch(r"\d+ \[\d+, \d+\]").all()
