"""Files to take away, made for who asks for them."""

from collections.abc import Callable

import streamlit as st


def download(
    label: str,
    make: Callable[[], bytes | str],
    name: str,
    mime: str,
    *,
    key: str,
    icon: str = ":material/download:",
) -> None:
    """A button that makes a file and downloads it.

    The page does not run again: it would offer the next file, and Streamlit then takes
    back the one that is just being made.

    Args:
        label: What a person reads.
        make: Makes the file's content, in a thread of its own.
        name: Of the file.
        mime: Its type.
        key: Of the button.
        icon: Before the label.
    """
    st.download_button(
        label,
        make,
        file_name=name,
        mime=mime,
        icon=icon,
        key=key,
        on_click="ignore",
    )
