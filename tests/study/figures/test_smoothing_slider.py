import base64
import io
import math
import re

import numpy as np
import pytest
from PIL import Image

from fourierconv.study.figures.smoothing import smoothed
from fourierconv.study.figures.smoothing_slider import smoothing_slider
from fourierconv.study.theory.kernels import random_kernels

KERNEL = random_kernels(1, 9, seed=0)[0]
SIGMAS = [math.inf, 4.0, 2.0, 1.0]


@pytest.fixture(scope="module")
def page() -> str:
    return str(smoothing_slider(KERNEL, SIGMAS, 32).data)


def images(page: str) -> list[Image.Image]:
    files = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(file))) for file in files]


def test_every_width_has_a_frame_of_two_maps_and_a_caption(page: str) -> None:
    assert [image.size for image in images(page)] == [(32, 32)] * 4 + [(9, 9)] * 4
    for number in range(4):
        assert page.count(f'data-frame="{number}"') == 3
    assert 'max="3"' in page


def test_the_first_frame_shows_before_any_script_has_run(page: str) -> None:
    assert (
        re.findall(r'data-frame="(\d)"( hidden)?', page)
        == [(str(number), " hidden" if number else "") for number in range(4)] * 3
    )


def test_maps_are_those_of_the_frames(page: str) -> None:
    shown = [np.asarray(image, dtype=float) / 255 for image in images(page)]
    for own, spectrum, kernel in zip(SIGMAS, shown[:4], shown[4:], strict=True):
        frame = smoothed(KERNEL, own, 32)
        assert np.allclose(spectrum, frame.magnitude / frame.magnitude.max(), atol=0.5 / 255)
        assert np.allclose(2 * kernel - 1, frame.taps / frame.taps.abs().max(), atol=1 / 255)


def test_the_slider_has_a_label_and_a_text_for_screen_readers(page: str) -> None:
    (name,) = re.findall(r'<input type="range" id="([^"]+)"', page)
    assert f'<label for="{name}">' in page
    (text,) = re.findall(r'aria-valuetext="([^"]+)"', page)
    assert f'<p data-frame="0">{text}</p>' in page


def test_every_image_says_what_it_shows(page: str) -> None:
    texts = re.findall(r'alt="([^"]+)"', page)
    assert len(set(texts)) == 8
    assert texts[0].startswith("Magnitude of the spectrum. As drawn: extent ")
    assert re.fullmatch(r"Kernel\. By 0\.159 cycles per pixel, σ = 1\.0 px: extent [\d.]+ px\.", texts[-1])


def test_nothing_is_asked_of_a_server(page: str) -> None:
    rest = re.sub(r"data:image/png;base64,[^\"]+", "data:", page)
    assert re.findall(r"//\w|url\(|@import|src=\"(?!data:)", rest) == []


def test_made_twice_it_is_the_same(page: str) -> None:
    assert smoothing_slider(KERNEL, SIGMAS, 32).data == page


def test_the_book_s_own_stays_small() -> None:
    kernel = random_kernels(1, 21, seed=0)[0]
    sigmas = [math.inf, *(8 * 2 ** (-i / 8) for i in range(25))]
    assert len(str(smoothing_slider(kernel, sigmas, 64).data)) < 400_000
