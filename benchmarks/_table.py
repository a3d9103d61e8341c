"""Tables in Markdown, fit for README.md, and the line that says what was measured."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mnist_core import paths

MEGABYTE = 1_000_000  # bytes


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column is words, the others are figures."""
    columns = zip(head, *rows, strict=True)
    widths = [max(2, *map(len, column)) for column in columns]
    rule = [
        "-" * width if place == 0 else "-" * (width - 1) + ":"
        for place, width in enumerate(widths)
    ]
    return "\n".join(_line(cells, widths) for cells in (head, rule, *rows))


def spread(name: str, values: Sequence[float], form: str) -> list[str]:
    """The cells of one figure: median, 95th percentile, min and n."""
    high = float(np.percentile(values, 95))
    figures = (float(np.median(values)), high, min(values))
    return [name, *(form.format(figure) for figure in figures), str(len(values))]


def machine() -> str:
    """The day, the commit and the machine, with how busy it is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{date.today()}, commit {_commit()}, {_processor()}, {os.cpu_count()} cores"
        f"{load}, {platform.system()}, Python {platform.python_version()}, "
        f"TensorFlow {version('tensorflow')}, Streamlit {version('streamlit')}"
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def _commit() -> str:
    """The short name of the commit, with "+" if files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+"]
    try:
        found = subprocess.run(
            command, cwd=paths.REPOSITORY, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()
