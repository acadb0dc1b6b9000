"""What is drawn in a figure, as numbers that tests compare."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text


def dots(axes: Axes) -> np.ndarray:  # (dots, 2)
    """Positions of all dots of a panel's scatter plots, in its coordinates."""
    groups = [np.asarray(group.get_offsets()) for group in axes.collections if isinstance(group, PathCollection)]
    return np.concatenate(groups) if groups else np.empty((0, 2))


def smallest_letters(figure: Figure) -> float:
    """Size in points of the smallest text that shows; the figure must have been drawn."""
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_visible()]
    return min(float(text.get_fontsize()) for text in texts)


def words(figure: Figure) -> str:
    """All text of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))
