"""The learning rate of every step."""

import numpy as np

RISING = 0.3  # fraction of a one-cycle's steps in which the rate rises


def learning_rates(schedule: str, peak: float, done: np.ndarray) -> np.ndarray:
    """`(n,)` float32 learning rates where a share `done` of a training is done.

    "cosine" falls from the peak to 0 along half a cosine (Loshchilov & Hutter,
    2017); "one-cycle" rises in a line and falls in a line (Smith, 2018).
    """
    match schedule:
        case "constant":
            shape = np.ones_like(done)
        case "cosine":
            shape = (1 + np.cos(np.pi * done)) / 2
        case "one-cycle":
            shape = np.minimum(done / RISING, (1 - done) / (1 - RISING))
        case _:
            raise ValueError(f"There is no schedule {schedule!r}.")
    return np.asarray(peak * shape, np.float32)
