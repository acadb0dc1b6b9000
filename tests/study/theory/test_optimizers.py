import pytest
import torch

from fourierconv.study.theory.optimizers import OPTIMIZERS, distances


@pytest.mark.parametrize("name", ["SGD", "SGD, momentum 0.9"])
def test_gradient_descent_does_not_notice_the_basis(name: str) -> None:
    assert max(distances(name, steps=20, seed=0)) < 1e-12


def test_adam_does() -> None:
    start, *trained = distances("Adam", steps=5, seed=0)
    assert start < 1e-14
    assert min(trained) > 1e-2


def test_training_changes_the_kernels_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert len(distances("SGD", steps=2, seed=0)) == 3
    assert torch.equal(before, torch.get_rng_state())
    assert set(OPTIMIZERS) == {"SGD", "SGD, momentum 0.9", "Adam"}
