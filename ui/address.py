"""What stands in the address, so that a link shows what its sender saw.

A browser sends its address with all that a person does; who is quicker than the answer
to what they did before still sends the old one. So pages read `st.query_params`, and
callbacks read and write it here.
"""

from collections.abc import Mapping

import streamlit as st

# In the session: what was put into the address since the browser last told another one.
_PUT = "address-put"


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
    asked = st.query_params.get(name, default)
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
    st.session_state[_PUT] = st.session_state.get(_PUT, {}) | changes
    held, now = st.query_params.to_dict(), query()
    gone = held.keys() - now.keys()
    if len(gone) == 1 and now.items() <= held.items():
        del st.query_params[gone.pop()]
    elif gone:
        st.query_params.from_dict(now)  # at once: one step of the browser's history
    elif now != held:
        st.query_params.update(now.items() - held.items())


def follow() -> None:
    """Begin with the address that the browser tells, as a page does that is opened.

    If it is not what was put there, somebody went back or followed a link.
    """
    if query() != st.query_params.to_dict():
        del st.session_state[_PUT]
