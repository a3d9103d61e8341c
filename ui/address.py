"""What stands in the address, so that a link shows what its sender saw.

A browser sends its address with all that a person does; who is quicker than the answer
to what they did before still sends the old one. So what was put there is remembered
until the browser goes elsewhere, and the address is read and written here alone. (The
settings on Train, which have several values of a name, are all put anew each time.)

What a browser sends of its widgets is as old. So a filter that a chip has removed may
come back with the next click, if that comes before the answer; a choice made at the
widget itself does not.
"""

from collections.abc import Mapping

import streamlit as st

# In the session: the page, and what was put into its address since the browser came.
_PAGE, _PUT = "address-page", "address-put"


def choice(
    label: str,
    name: str,
    options: dict[str, str],
    *,
    default: str,
    is_labelled: bool = True,
) -> str:
    """Let a person choose one of a few; the address holds it and decides.

    Args:
        label: What a person reads above.
        name: In the address, and the widget's key.
        options: What the address says, and what a person reads.
        default: What is chosen where the address names no option.
        is_labelled: Whether the label is to be seen, or only for a screen reader.

    Returns:
        One of the options.
    """
    asked = query().get(name, default)
    chosen = st.session_state[name] = asked if asked in options else default
    st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=True,
        key=name,
        wrap=True,
        label_visibility="visible" if is_labelled else "collapsed",
        on_change=lambda: put({name: st.session_state[name]}),
    )
    return chosen


def query() -> dict[str, str]:
    """What the address holds, with what the browser may not have learned yet."""
    held = st.query_params.to_dict() | st.session_state.get(_PUT, {})
    return {name: value for name, value in held.items() if value is not None}


def put(changes: Mapping[str, str | None]) -> None:
    """Have the address hold these values by their names; None: not that name."""
    before, told = query(), st.query_params.to_dict()
    st.session_state[_PUT] = st.session_state.get(_PUT, {}) | changes
    now = query()
    gone = told.keys() - now.keys()
    new = {name: now[name] for name in now if now[name] != told.get(name)}
    if len(gone) + bool(new) > 1:  # one step of the browser's history
        st.query_params.from_dict(now)
    elif gone:  # `from_dict` refuses what a widget is bound to, Train's recipe
        del st.query_params[gone.pop()]
    elif new or now != before:  # the browser may be about to learn what is undone here
        st.query_params.update(new)


def follow(page: str) -> None:
    """Begin a run of the page of that name.

    Where the browser tells of another page than before, or of an address that is not
    what was put there, somebody went back or followed a link: that holds.
    """
    is_elsewhere = page != st.session_state.get(_PAGE)
    if is_elsewhere or query() != st.query_params.to_dict():
        st.session_state[_PUT] = {}
    st.session_state[_PAGE] = page
