"""Whose drawings and stars a page is about: an id, in the address on every page."""

import numpy as np
import streamlit as st

from mnist_core import kept
from mnist_core.data import Split
from mnist_core.errors import KeptError
from ui import address

_MINE = "mine"  # in the address, and in the session for when a link drops the address


def set_id() -> str | None:
    """The id that the address or the session holds; None: nothing was kept yet."""
    wanted: str | None = address.query().get(_MINE, st.session_state.get(_MINE))
    if wanted is not None and not kept.is_id(wanted):
        st.warning(
            "The address names no set of drawings: it was not copied whole.",
            icon=":material/link_off:",
        )
        address.put({_MINE: None})
        before = st.session_state.get(_MINE)
        wanted = before if before is not None and kept.is_id(before) else None
    st.session_state[_MINE] = wanted
    if wanted is not None and _MINE not in address.query():
        address.put({_MINE: wanted})
    return wanted


def remember(wanted: str) -> None:
    """Have every page be about this set."""
    st.session_state[_MINE] = wanted
    address.put({_MINE: wanted})


def forget() -> None:
    """Have no page be about a set any more."""
    st.session_state[_MINE] = None
    address.put({_MINE: None})


def drawings() -> Split:
    """What this visitor has kept.

    Raises:
        KeptError: If it cannot be read.
    """
    wanted = set_id()
    return kept.NOTHING if wanted is None else kept.KeptStore().get(wanted)


def readable_drawings() -> Split:
    """The same, but nothing if it cannot be read: the page Draw says why."""
    try:
        return drawings()
    except KeptError:
        return kept.NOTHING


def label_of(image: np.ndarray) -> int | None:
    """As which digit a `(28, 28)` uint8 image is kept; None if it is not.

    It is asked with every stroke, so a set is read when its file has changed.
    """
    wanted = set_id()
    if wanted is None:
        return None
    try:
        labels = _labels(wanted, kept.KeptStore().stamp(wanted))
        return labels.get(kept.fingerprint(image))
    except KeptError:  # it cannot be read: the page says why where it shows the set
        return None


# Of 2,000 drawings the labels take 0.3 MB. Once a day the set is read all the same,
# which shows that it is in use.
@st.cache_resource(max_entries=64, ttl=kept.DAY, show_spinner=False)
def _labels(set_id: str, stamp: tuple[int, ...] | None) -> dict[bytes, int]:
    return kept.labels(kept.KeptStore().get(set_id))


def keep(new: Split) -> None:
    """Keep drawings, in a new set if there is none.

    Raises:
        KeptError: As `KeptStore.add`.
    """
    wanted = set_id() or kept.new_id()
    kept.KeptStore().add(wanted, new)
    remember(wanted)


def remove(image: np.ndarray) -> None:
    """Keep a drawing no more, given its `(28, 28)` uint8 image.

    Raises:
        KeptError: As `KeptStore.remove`.
    """
    wanted = set_id()
    if wanted is not None:
        kept.KeptStore().remove(wanted, image)


def stars() -> kept.Stars:
    """The digits that this visitor has starred, and the notes to them.

    Raises:
        KeptError: If they cannot be read.
    """
    wanted = set_id()
    return {} if wanted is None else kept.StarStore().get(wanted)


def star(image: np.ndarray, note: str | None) -> None:
    """Give a `(28, 28)` uint8 image a star with a note, or with None take it off.

    Raises:
        KeptError: As `StarStore.put`.
    """
    wanted = set_id() or kept.new_id()
    if note is None:
        kept.StarStore().remove(wanted, image)
    else:
        kept.StarStore().put(wanted, image, note)
        remember(wanted)


def delete_all() -> None:
    """Remove the drawings and the stars for good.

    Raises:
        KeptError: As `KeptStore.delete`.
    """
    wanted = set_id()
    if wanted is not None:
        kept.KeptStore().delete(wanted)
        kept.StarStore().delete(wanted)
    forget()
