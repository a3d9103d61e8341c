"""Choices that stand in the address, so that a link shows what its sender saw."""

import streamlit as st


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
        on_change=_put_into_address,
        args=(name,),
    )
    return chosen


def _put_into_address(name: str) -> None:
    st.query_params[name] = st.session_state[name]
