import dataclasses

import pytest
import torch
from torch import Tensor, nn

from fourierconv.study.experiments import size_recovery
from fourierconv.study.store import StudyError


def test_the_quick_sweep_holds_every_teacher_input_student_and_seed() -> None:
    configs = size_recovery.configs("quick")
    assert len(set(configs)) == len(configs) == 9 * 2 * len(size_recovery.METHODS) * 3


@pytest.mark.parametrize(
    ("profile", "seeds", "message"), [("quick", 0, "seeds=0"), ("fast", 3, "profile 'fast' is unknown")]
)
def test_a_sweep_that_cannot_be_is_refused_before_any_run(profile: str, seeds: int, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        size_recovery.configs(profile, seeds)


def test_a_teacher_of_the_students_family_is_recovered() -> None:
    config = size_recovery.Config("gaussian_1", "white", "scaled_layer", seed=0, steps=200)
    outcome = size_recovery.run(config, lambda line: None)
    (row,) = size_recovery.rows(config, outcome.metrics)
    assert set(row) == set(size_recovery.columns)
    assert row["ratio"] == pytest.approx(1, abs=0.05)
    assert row["unexplained"] < 0.01


def test_a_fixed_kernel_cannot_leave_its_size() -> None:
    config = size_recovery.Config("gaussian_4", "white", "conv2d_5", seed=0, steps=50)
    assert size_recovery.run(config, lambda line: None).metrics["extent"] < 5


def test_no_student_starts_with_a_hint_of_the_size() -> None:
    starts = {
        size_recovery.student_of(dataclasses.replace(config, seed=0))
        for config in size_recovery.configs("quick")
        if config.method in ("scaled_layer", "scaled_channel")
    }
    assert {method.scale for method in starts} == {1.0}


@pytest.mark.parametrize("kind", size_recovery.INPUTS)
def test_images_have_the_spectrum_they_are_named_for(kind: str) -> None:
    images = size_recovery.images(kind, 200, torch.Generator().manual_seed(0))
    power = torch.fft.fft2(images).abs().square().mean((0, 1))
    low, high = power[0, 4], power[0, 16]
    assert float(low / high) == pytest.approx(1 if kind == "white" else 16, rel=0.3)
    assert float(images.std()) == pytest.approx(1, abs=1e-4)
    assert float(images.mean((-2, -1)).abs().max()) < 1e-5


@pytest.mark.parametrize("kind", size_recovery.INPUTS)
def test_targets_have_variance_1_so_that_a_loss_is_a_share_of_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(student: nn.Module, inputs: Tensor, targets: Tensor, **others: object) -> list[float]:
        torch.testing.assert_close(targets.std((0, 2, 3)), torch.ones(5))
        return [0.0] * 10

    monkeypatch.setattr(size_recovery, "fit", fit)
    size_recovery.run(size_recovery.Config("gaussian_8", kind, "conv2d_5", 0, steps=10), lambda line: None)
