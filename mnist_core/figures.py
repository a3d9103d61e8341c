"""Figures to download and to print, drawn by matplotlib.

They are made of `Figure` objects alone: pyplot keeps a list of all figures, which two
threads of a server may not share and which nobody would empty.
"""

import io
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import percent

SIZE = 6.3, 6.9  # inches, width and height: as wide as the text of an A4 page
MARGIN = 0.1  # inches
RESOLUTION = 300  # dots per inch, of a PNG
COLORS = "Blues"  # one hue, light to dark: for grey printers and the colour-blind
DARK = 0.6  # where on the scale of colours white can be read better than black


def confusion(
    matrix: np.ndarray, *, title: str, format: Literal["png", "svg", "pdf"]
) -> bytes:
    """A confusion matrix at print quality: row = true digit, column = predicted.

    Args:
        matrix: `(10, 10)` int counts.
        title: Written above as it is; a long one is wrapped.
        format: Of the file.
    """
    layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
    figure = Figure(figsize=SIZE, layout=layout)
    figure.suptitle(title, parse_math=False, wrap=True)  # a $ is a dollar
    axes = figure.add_subplot()
    _draw_cells(axes, matrix)
    _label(axes, matrix)
    file = io.BytesIO()
    figure.savefig(file, format=format, dpi=RESOLUTION, metadata={"Title": title})
    return file.getvalue()


def _draw_cells(axes: Axes, matrix: np.ndarray) -> None:
    """Counts in cells; colours logarithmic, or the diagonal would drown the rest."""
    norm = SymLogNorm(linthresh=1, vmin=0, vmax=max(int(matrix.max()), 1))
    axes.pcolormesh(matrix, cmap=COLORS, norm=norm, edgecolors="white", linewidth=1.5)
    for (true, predicted), count in np.ndenumerate(matrix):
        if count:
            axes.text(
                predicted + 0.5,
                true + 0.5,
                f"{count}",
                color="white" if norm(count) > DARK else "black",
                ha="center",
                va="center",
            )


def _label(axes: Axes, matrix: np.ndarray) -> None:
    middles = np.arange(NUM_CLASSES) + 0.5
    digits = [str(digit) for digit in range(NUM_CLASSES)]
    axes.set_xticks(middles, labels=digits)
    axes.set_yticks(middles, labels=digits)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="Predicted digit", ylabel="True digit", aspect="equal")
    axes.invert_yaxis()
    right, total = int(np.trace(matrix)), int(matrix.sum())
    if total:
        share = percent(right / total, places=2)
        axes.set_title(f"{right:,} of {total:,} read right, {share}", fontsize="medium")
