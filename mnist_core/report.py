"""A run to take away: one HTML file that needs nothing else."""

import base64
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from platform import python_version

import jinja2

from mnist_core import figures, matrices, thumbnails
from mnist_core.calibration import Calibration
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.data.copies import DIGESTS
from mnist_core.evaluation import Evaluation, percent
from mnist_core.runs import Run
from mnist_core.selection import Selection

MAX_WORST = 25  # digits, those with the highest loss
NUM_CONFUSIONS = 10
PACKAGES = ("tensorflow", "keras", "numpy", "streamlit")

# All that is put in is escaped: names and notes are whatever people typed.
_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("mnist_core", ""),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What was asked for, and whether it differs from the default."""

    name: str
    value: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A digit with its picture as a `data:` address, and what there is to say of it."""

    picture: str
    words: str


def html(
    run: Run, split: Split, evaluation: Evaluation, calibration: Calibration
) -> str:
    """The report of a run: figures, curves, matrix, scores, worst digits, settings.

    Args:
        run: A run with a model.
        split: The images that it was evaluated on.
        evaluation: What it reads them as.
        calibration: Of that evaluation.
    """
    epochs, _ = run.progress()
    template = _TEMPLATES.get_template("report.html")
    return template.render(
        run=run,
        evaluation=evaluation,
        calibration=calibration,
        epochs=epochs,
        curves=_address(figures.history(epochs, title="", format="svg"))
        if epochs
        else "",
        reliability=_address(figures.reliability(calibration, title="", format="svg")),
        cells=matrices.cells(evaluation.confusion_matrix, "counts"),
        confusions=evaluation.top_confusions(NUM_CONFUSIONS),
        worst=_worst(split, evaluation),
        settings=_settings(run.config),
        mnist=DIGESTS,
        written=datetime.now().isoformat(" ", timespec="minutes"),
        versions={"Python": python_version()} | {it: version(it) for it in PACKAGES},
        percent=percent,
    )


def _worst(split: Split, evaluation: Evaluation) -> list[Shown]:
    indices = Selection(outcome="wrong", sort="loss").indices(evaluation)[:MAX_WORST]
    return [
        Shown(
            thumbnails.png(split.images[index], scale=2),
            f"{index}: {evaluation.labels[index]} read as "
            f"{evaluation.predictions[index]}, "
            f"{percent(float(evaluation.confidences[index]))}"
            + (", disputed" if index in evaluation.disputed else ""),
        )
        for index in indices
    ]


def _settings(config: TrainConfig) -> list[Setting]:
    default = TrainConfig()
    return [
        Setting(name, _text(value), value == getattr(default, name))
        for name, value in asdict(config).items()
    ]


def _text(value: object) -> str:
    """A setting as `--set` takes it."""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _address(svg: bytes) -> str:
    """A figure as a `data:` address: two in one page would share their ids."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
