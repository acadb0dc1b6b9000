"""The cells of the CUDA benchmark: few, small enough for a device, the most important ones first."""

from fourierconv.study.bench.cells import cells

CELLS = cells("fourierconv.study.gpu")


def test_there_are_at_most_forty_with_names_of_their_own() -> None:
    assert len({own.name for own in CELLS}) == len(CELLS) <= 40


def test_the_column_that_is_judged_comes_first() -> None:
    column = {k for own in CELLS[:8] if own.name == f"64to64-128px-k{(k := own.kernel)}"}
    assert column == {3, 5, 7, 9, 11, 15, 21, 31}
    assert {own.batch for own in CELLS if own.name.startswith("64to64-128px")} == {32}


def test_images_and_channels_from_32_to_256_are_there_at_one_kernel() -> None:
    dense = {(own.size, own.channels) for own in CELLS if own.groups == 1 and own.kernel == 11 and own.channels > 3}
    assert dense == {(size, channels) for size in (32, 64, 128, 256) for channels in (32, 64, 128, 256)}


def test_depthwise_kernels_reach_across_the_image() -> None:
    depthwise = {(own.channels, own.size, own.kernel) for own in CELLS if own.groups > 1}
    assert depthwise == {(c, n, k) for c in (64, 256) for n in (32, 64, 128) for k in (21, n - 1)}


def test_a_step_holds_less_than_a_gigabyte_of_images() -> None:
    for own in CELLS:
        assert 4 * own.batch * own.size**2 * (own.channels + own.out) <= 2**30, own.name
        assert own.padding == own.kernel // 2
        assert own.kernel % 2 == 1
