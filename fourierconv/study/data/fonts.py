"""The fonts of the letters, which of them are for testing only, and the outlines of their capitals.

All come with matplotlib, so the data set needs no download. Of its font files these draw A to Z; the others
hold symbols only, or calligraphic capitals (`cmsy10`) that no second font resembles. The split goes by design,
not by file: a weight or a slant of a training font would make a weak test. The test holds the four STIX fonts
(after Times) and two Computer Modern designs whose shapes differ from its roman ones, sans serif and typewriter.
So it asks for roman, bold, italic, sans serif and fixed width, in shapes that training never showed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path as FilePath

import numpy as np
from matplotlib import get_data_path
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

TRAIN_FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "cmr10",
    "cmb10",
    "cmmi10",
    "cmti10",
)
TEST_FONTS = ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "cmss10", "cmtt10")

# For choosing hyperparameters: what the test's STIX fonts are, a roman design in four styles, and about as far from the
# rest as those are from the training fonts.
VALIDATION_FONTS = ("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic")
REST_FONTS = tuple(font for font in TRAIN_FONTS if font not in VALIDATION_FONTS)

FLATTENING_SCALE = 4000.0  # curves become polygons at this size, so that no image shows a corner


@cache
def outline(font: str, letter: str) -> Path:
    """The polygon of a capital letter, centred on the origin, y upwards, the longer side of its box 1.

    The curves are flattened here, once: left to the renderer, their accuracy would depend on the image size.

    >>> outline("DejaVuSans", "E").get_extents().get_points().round(3).tolist()
    [[-0.322, -0.5], [0.322, 0.5]]
    """
    file = FilePath(get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    text = TextPath((0, 0), letter, prop=FontProperties(fname=file, size=FLATTENING_SCALE))
    polygons = text.to_polygons()
    points = np.concatenate(polygons)
    low, high = points.min(axis=0), points.max(axis=0)
    centre, side = (low + high) / 2, (high - low).max()
    return Path.make_compound_path(*(Path((polygon - centre) / side, closed=True) for polygon in polygons))
