import torch

from fourierconv.study.theory.draws import layer_of


def test_the_same_seed_gives_the_taps_of_conv2d() -> None:
    layer = layer_of("spatial", 5, None, seed=2, channels=3)
    torch.manual_seed(2)
    expected = torch.nn.Conv2d(3, 3, 5, dtype=torch.float64)
    assert torch.equal(layer.weight, expected.weight)


def test_a_scale_changes_the_size_and_not_the_coefficients_up_to_a_factor() -> None:
    small, large = (layer_of("scaled", 5, scale, seed=0) for scale in (1.0, 3.0))
    ratio = small.coefficients / large.coefficients
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio))
    assert large.extent().mean() > 2 * small.extent().mean()


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    layer_of("window", 5, 1.0, seed=0)
    assert torch.equal(before, torch.get_rng_state())
