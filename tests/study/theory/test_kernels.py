import torch

from fourierconv.study.theory.kernels import examples, random_kernels


def test_examples_are_square_and_odd_so_that_they_have_a_middle() -> None:
    for kernel in examples().values():
        assert kernel.shape[0] == kernel.shape[1]
        assert kernel.shape[0] % 2 == 1
        assert kernel.dtype == torch.float64


def test_examples_have_the_mean_that_their_name_says() -> None:
    kernels = examples()
    assert kernels["Sobel 3×3"].sum() == kernels["Laplacian 3×3"].sum() == 0
    assert kernels["binomial 5×5"].sum() == 16**2


def test_random_kernels_are_independent_normal_taps() -> None:
    kernels = random_kernels(20000, 3, seed=1)
    covariance = kernels.flatten(1).T @ kernels.flatten(1) / 20000
    assert (covariance - torch.eye(9, dtype=torch.float64)).abs().max() < 0.05
    assert torch.equal(random_kernels(5, 3, seed=1), random_kernels(5, 3, seed=1))
    assert random_kernels(5, 3, seed=1, zero_mean=True).sum((1, 2)).abs().max() < 1e-12
