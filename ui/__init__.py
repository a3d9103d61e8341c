"""Streamlit glue that the pages share: what is cached, chosen and shown alike."""
