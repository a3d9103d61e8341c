import streamlit as st

from ui.triggers import hears


def test_what_a_component_says_is_heard(monkeypatch):
    heard = []
    monkeypatch.setattr(st, "session_state", {"tiles": {"opened": 0}})

    hears("tiles", "opened", heard.append)()

    assert heard == [0]


def test_a_component_that_is_gone_says_nothing(monkeypatch):
    heard = []
    monkeypatch.setattr(st, "session_state", {"tiles": {"opened": None}})

    hears("gone", "opened", heard.append)()
    hears("tiles", "opened", heard.append)()

    assert not heard
