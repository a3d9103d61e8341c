"""Choices that stand in the address, so that a link shows what its sender saw."""

import streamlit as st


def choice(label: str, name: str, options: dict[str, str], *, default: str = "") -> str:
    """Let a person choose one of a few; the address holds it and decides.

    Args:
        label: What a person reads above.
        name: In the address, and the widget's key.
        options: What the address says, and what a person reads.
        default: Where the address names no option; "" if there need be no choice.

    Returns:
        One of the options, or "".
    """
    asked = st.query_params.get(name, default)
    chosen = asked if asked in options else default
    st.session_state[name] = chosen or None
    st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=bool(default),
        key=name,
        wrap=True,
        on_change=_put_into_address,
        args=(name,),
    )
    return chosen


def _put_into_address(name: str) -> None:
    chosen = st.session_state[name]
    if chosen is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = chosen
