"""Figures to download and to print, drawn by matplotlib.

They are made of `Figure` objects alone: pyplot keeps a list of all figures, which two
threads of a server may not share and which nobody would empty.
"""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mnist_core.calibration import Calibration
from mnist_core.config import NUM_CLASSES
from mnist_core.evaluation import percent
from mnist_core.history import EpochMetrics, best_epoch

Format = Literal["png", "svg", "pdf"]

WIDTH = 6.3  # inches: as wide as the text of an A4 page
MARGIN = 0.1  # inches
RESOLUTION = 300  # dots per inch, of a PNG
COLORS = "Blues"  # one hue, light to dark: for grey printers and the colour-blind
BLUE, ORANGE = "#0072b2", "#d55e00"  # told apart by the colour-blind (Okabe and Ito)
MAX_MARKED_EPOCHS = 30  # with more, markers would hide the dashes between them
DARK = 0.6  # where on the scale of colours white can be read better than black


def confusion(matrix: np.ndarray, *, title: str, format: Format) -> bytes:
    """A confusion matrix at print quality: row = true digit, column = predicted.

    Args:
        matrix: `(10, 10)` int counts.
        title: Written above as it is; a long one is wrapped.
        format: Of the file.
    """
    figure = _figure(title, height=6.9)
    axes = figure.add_subplot()
    _draw_cells(axes, matrix)
    _label(axes, matrix)
    return _saved(figure, title, format)


def history(epochs: Sequence[EpochMetrics], *, title: str, format: Format) -> bytes:
    """Loss and accuracy on train and validation images, epoch by epoch.

    Args:
        epochs: At least one, in order.
        title: Written above as it is; a long one is wrapped.
        format: Of the file.
    """
    figure = _figure(title, height=5.4)
    losses, accuracies = figure.subplots(2, 1, sharex=True)
    numbers = [epoch.epoch for epoch in epochs]
    marker = "o" if len(epochs) <= MAX_MARKED_EPOCHS else ""
    for axes, train, validation in (
        (losses, [e.loss for e in epochs], [e.val_loss for e in epochs]),
        (accuracies, [e.accuracy for e in epochs], [e.val_accuracy for e in epochs]),
    ):
        axes.plot(numbers, validation, color=BLUE, marker=marker, label="validation")
        axes.plot(numbers, train, "--", color=ORANGE, marker=marker, label="train")
        axes.axvline(best_epoch(epochs).epoch, color="black", linestyle=":")
        axes.spines[["top", "right"]].set_visible(False)
    losses.set(ylabel="Loss, nats")
    losses.legend(frameon=False)
    accuracies.set(xlabel="Epoch; dotted: the best one", ylabel="Accuracy")
    accuracies.yaxis.set_major_formatter(PercentFormatter(1))
    accuracies.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _saved(figure, title, format)


def reliability(calibration: Calibration, *, title: str, format: Format) -> bytes:
    """Accuracy by confidence, with the band in which a calibrated model lies.

    Args:
        calibration: Of a run on a split.
        title: Written above as it is; a long one is wrapped.
        format: Of the file.
    """
    figure = _figure(title, height=5.4)
    axes = figure.add_subplot()
    bins = calibration.bins
    confidences = [part.confidence for part in bins]
    axes.plot([0, 1], [0, 1], ":", color="black", label="as sure as right")
    axes.vlines(
        confidences,
        [part.band.low for part in bins],
        [part.band.high for part in bins],
        color="gray",
        linewidth=5,
        alpha=0.5,
        label="of a calibrated model, 95 times of 100",
    )
    accuracies = [part.accuracy for part in bins]
    axes.plot(confidences, accuracies, "o", color=BLUE, label="of this one")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="Confidence", ylabel="Accuracy")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    return _saved(figure, title, format)


def _figure(title: str, *, height: float) -> Figure:
    """An empty figure, so many inches high."""
    layout = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    figure.suptitle(title, parse_math=False, wrap=True)  # a $ is a dollar
    return figure


def _saved(figure: Figure, title: str, format: Format) -> bytes:
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
