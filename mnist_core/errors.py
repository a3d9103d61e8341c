"""What can go wrong in a way that a person can put right.

DigitLabError           its message is one sentence or two, fit for a page
├── ConfigError         a setting outside its bounds, or two that do not go together
├── DatasetError        MNIST is missing, damaged or could not be fetched
├── EmptyDrawingError   nothing is drawn: a state of its own, not a failure
├── PictureError        a picture that cannot be read, or is too large
├── KeptError               drawings that cannot be kept, found or brought in
├── RunError            a run that is missing, unreadable, protected or unfinished
└── DivergedError       the loss became NaN or infinite
"""


class DigitLabError(Exception):
    """A person can put it right; the message says what happened and what to do."""


class ConfigError(DigitLabError, ValueError):
    """A setting is outside its bounds, or two settings do not go together."""


class DatasetError(DigitLabError):
    """MNIST is missing, damaged or could not be fetched."""


class EmptyDrawingError(DigitLabError):
    """There is no ink."""


class PictureError(DigitLabError):
    """A picture cannot be read, or is outside the limits."""


class KeptError(DigitLabError):
    """A visitor's drawings cannot be kept, found or brought in."""


class RunError(DigitLabError):
    """A run is missing, unreadable, protected or not finished."""


class DivergedError(DigitLabError):
    """The loss became NaN or infinite."""
