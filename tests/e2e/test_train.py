"""Real trainings, started, watched, stopped and killed as it happens to people."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="finds its processes as Linux lists them"
)

TRAINING = 180  # seconds that a small training may take on a busy machine


def share(app):
    bar = app.at("training-progress").get_by_role("progressbar")
    return float(bar.get_attribute("aria-valuenow"))
