"""The cells: as many as were asked for, of the sizes that were asked for, each with a name of its own."""

import pytest

from fourierconv.study.bench.cells import CHECKED, cell, cells, every, sequences
from fourierconv.study.store import StudyError


def test_there_are_at_most_sixty_with_names_of_their_own() -> None:
    assert len({own.name for own in cells()}) == len(cells()) <= 60
    assert all(own.padding == own.kernel // 2 and own.kernel <= own.size for own in cells())


def test_inputs_take_4_to_32_megabytes() -> None:
    for own in cells():
        assert 4e6 <= 4 * own.batch * own.channels * own.size**2 <= 2**25, own.name


def test_sequences_are_lines_of_samples_with_names_that_no_image_has() -> None:
    assert {own.dims for own in sequences()} == {1}
    assert {own.dims for own in cells()} == {2}
    assert len({own.name for own in every()}) == len(cells()) + len(sequences())
    for own in sequences():
        assert own.kernel % 2 == 1
        assert own.kernel <= own.size
        assert 1e6 <= 4 * own.batch * own.channels * own.size <= 2**25, own.name


def test_they_span_images_kernels_and_channels() -> None:
    assert {own.size for own in cells()} >= {32, 64, 128, 256, 512}
    assert {own.kernel for own in cells()} >= {3, 7, 11, 21, 31, 63, 127}
    assert {(own.channels, own.out, own.groups) for own in cells()} == {
        (3, 32, 1), (32, 32, 1), (64, 64, 1), (256, 256, 1), (64, 64, 64)
    }  # fmt: skip


def test_the_checked_ones_are_among_them() -> None:
    assert len({cell(name) for name in CHECKED}) == len(CHECKED)


def test_a_cell_that_there_is_not_is_named() -> None:
    with pytest.raises(StudyError, match="cell 'huge' is unknown"):
        cell("huge")
