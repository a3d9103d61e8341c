"""The learning rate of every step."""

import numpy as np

RISING = 0.3  # fraction of a one-cycle's steps in which the rate rises


def learning_rates(schedule: str, peak: float, num_steps: int) -> np.ndarray:
    """`(num_steps,)` float32 learning rates.

    "cosine" falls from the peak to 0 along half a cosine (Loshchilov & Hutter,
    2017); "one-cycle" rises in a line and falls in a line (Smith, 2018).
    """
    done = np.arange(num_steps) / num_steps  # in [0, 1)
    match schedule:
        case "constant":
            shape = np.ones(num_steps)
        case "cosine":
            shape = (1 + np.cos(np.pi * done)) / 2
        case "one-cycle":
            rising = (np.arange(num_steps) + 1) / max(1, round(RISING * num_steps))
            falling = (1 - done) / (1 - RISING)
            shape = np.minimum(1, np.minimum(rising, falling))
        case _:
            raise ValueError(f"There is no schedule {schedule!r}.")
    return np.asarray(peak * shape, np.float32)
