"""Where things are on disk, and the environment variables that move them."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED_RUN_ID = "shipped"  # the run that is in git: read-only, always there


def saved_model_dir() -> Path:
    """The folder of all runs: `$MNIST_SAVED_MODEL_DIR` or `saved_model/`."""
    named = os.environ.get("MNIST_SAVED_MODEL_DIR")
    return Path(named).expanduser() if named else REPOSITORY / "saved_model"


def kept_dir() -> Path:
    """The folder of what visitors keep: `$MNIST_KEPT_DIR` or `kept_drawings/`."""
    named = os.environ.get("MNIST_KEPT_DIR")
    return Path(named).expanduser() if named else REPOSITORY / "kept_drawings"


def shipped_run_dir() -> Path:
    """The shipped run; it stays in the repository wherever the others are."""
    return REPOSITORY / "saved_model" / SHIPPED_RUN_ID


def named_dataset() -> Path | None:
    """The file or folder that `$MNIST_DATASET` names, if it is set."""
    named = os.environ.get("MNIST_DATASET")
    return Path(named).expanduser() if named else None


def server_cores() -> set[int]:
    """The cores that a server was started with, by their numbers: `$MNIST_CORES`."""
    named = os.environ.get("MNIST_CORES", "")
    return set(map(int, named.split())) or set(range(os.cpu_count() or 1))


def keras_dataset() -> Path:
    """Where Keras keeps the copy of MNIST that it downloads."""
    home = os.environ.get("KERAS_HOME")
    base = Path(home).expanduser() if home else Path.home() / ".keras"
    return base / "datasets" / "mnist.npz"


def cached_dataset() -> Path:
    """Our own copy of MNIST: checked, uncompressed, quick to open."""
    return _cache_dir() / "mnist.npz"


def examples_dir() -> Path:
    """Where the examples are kept that runs learn from what is a digit."""
    return _cache_dir() / "examples"


def _cache_dir() -> Path:
    """What is here may be deleted: it can be made again."""
    cache = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache).expanduser() if cache else Path.home() / ".cache"
    return base / "digit-lab"
