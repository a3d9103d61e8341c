"""Figures to download and to print, drawn by matplotlib.

They are made of `Figure` objects alone: pyplot keeps a global list of figures, which
is neither thread-safe nor ever emptied in a server.
"""

import io
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import percent

SIZE = 6.3, 6.9  # inches, width and height: the text width of an A4 page
RESOLUTION = 300  # dots per inch, of a PNG
COLORS = "Blues"  # one hue, light to dark: fit for grey printers and the colour-blind


def confusion(
    matrix: np.ndarray, *, title: str, format: Literal["png", "svg", "pdf"]
) -> bytes:
    """A confusion matrix at print quality: row = true digit, column = predicted.

    Args:
        matrix: `(10, 10)` int counts.
        title: Written above it as it is; a long one is wrapped.
        format: Of the file.
    """
    figure = Figure(figsize=SIZE, layout="constrained")
    figure.suptitle(title, parse_math=False, wrap=True)  # a $ is a dollar
    axes = figure.add_subplot()
    _draw_cells(axes, matrix)
    _label(axes, matrix)
    file = io.BytesIO()
    figure.savefig(file, format=format, dpi=RESOLUTION, metadata={"Title": title})
    return file.getvalue()


def _draw_cells(axes: Axes, matrix: np.ndarray) -> None:
    """Counts in cells; colours logarithmic, or the diagonal would drown the rest."""
    norm = SymLogNorm(linthresh=1, vmin=0, vmax=max(int(matrix.max()), 1), base=10)
    image = axes.imshow(matrix, cmap=COLORS, norm=norm)
    for (true, predicted), count in np.ndenumerate(matrix):
        if count:
            color = "white" if norm(count) > 0.6 else "black"
            axes.text(predicted, true, f"{count}", ha="center", va="center", color=color)
    image.set_rasterized(False)


def _label(axes: Axes, matrix: np.ndarray) -> None:
    right, total = int(np.trace(matrix)), int(matrix.sum())
    digits = range(NUM_CLASSES)
    axes.set_xticks(digits)
    axes.set_yticks(digits)
    axes.tick_params(length=0)
    axes.set_xlabel("Predicted digit")
    axes.set_ylabel("True digit")
    if total:
        share = percent(right / total, places=2)
        axes.set_title(f"{right:,} of {total:,} read right, {share}", fontsize="medium")
