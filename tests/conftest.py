import os

import numpy as np
import pytest

from mnist_core import data, paths
from mnist_core.data import Mnist, Split
from mnist_core.errors import DatasetError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported
# A core each for two test processes: what one of them has started, and waits for, gives
# way to everything else, and would get next to nothing beside four busy threads.
for name in (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OPENBLAS_NUM_THREADS",
):
    os.environ.setdefault(name, "1")


@pytest.fixture(autouse=True)
def sandbox(monkeypatch, tmp_path, tmp_path_factory):
    """Keep every test away from people's runs, drawings and examples."""
    monkeypatch.setenv("MNIST_SAVED_MODEL_DIR", str(tmp_path / "saved_model"))
    monkeypatch.setenv("MNIST_KEPT_DIR", str(tmp_path / "kept"))
    examples = tmp_path_factory.getbasetemp() / "examples"  # drawn once a session
    monkeypatch.setattr(paths, "examples_dir", lambda: examples)


@pytest.fixture(scope="session")
def mnist():
    """The real MNIST; CI must have it, a person may do without."""
    try:
        return data.load_mnist()
    except DatasetError as error:
        missing = str(error)  # outside the handler, or pytest shows the whole chain
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def small_mnist():
    """300 / 100 / 100 images whose two bright rows are the digit, in faint noise."""
    return Mnist(
        train=_bright_rows(300, seed=1),
        validation=_bright_rows(100, seed=2),
        test=_bright_rows(100, seed=3),
    )


def _bright_rows(num_images, *, seed):
    labels = np.arange(num_images, dtype=np.uint8) % 10
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 60, (num_images, 28, 28), dtype=np.uint8)
    rows = 4 + 2 * labels[:, None] + np.arange(2)
    images[np.arange(num_images)[:, None], rows] = 255
    return Split(images, labels)
