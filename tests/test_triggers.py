"""What a component of ours says, on a page of its own, as a browser would send it."""

import json

import pytest
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest


def page():
    import streamlit as st

    from ui.triggers import hears

    heard = st.session_state.setdefault("heard", [])
    if not st.session_state.get("is-gone"):
        component = st.components.v2.component(
            "part", html="<p></p>", js="export default function () {}"
        )
        component(key="part", on_opened_change=hears("part", "opened", heard.append))


@pytest.fixture
def app():
    return AppTest.from_function(page).run()


def click(app, part, value):
    """Run the page as after a click on a component that says this."""
    states = app._tree.get_widget_states

    def with_click():
        said = states()
        state = said.widgets.add()
        state.id = _make_trigger_id(part, "events")
        state.json_trigger_value = json.dumps([{"event": "opened", "value": value}])
        return said

    app._tree.get_widget_states = with_click
    app.run()
    assert not app.exception


@pytest.mark.parametrize("value", [0, 7, [1, 2]])
def test_what_a_component_says_is_heard(app, value):
    click(app, app.get_by_key("part").proto.id, value)

    assert app.session_state["heard"] == [value]


def test_a_component_that_has_left_the_page_says_nothing(app):
    part = app.get_by_key("part").proto.id
    app.session_state["is-gone"] = True
    app.run()

    click(app, part, 7)

    assert app.session_state["heard"] == []
