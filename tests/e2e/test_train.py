"""Real trainings, started, watched, stopped and killed as it happens to people."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mnist_core.evaluation import percent


pytestmark = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="finds its processes as Linux lists them"
)

TRAINING = 180  # seconds that a small training may take on a busy machine


def share(app):
    bar = app.at("training-progress").get_by_role("progressbar")
    return float(bar.get_attribute("aria-valuenow"))
