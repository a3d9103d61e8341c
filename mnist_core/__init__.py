"""Digit Lab's core: data, models, training, runs, evaluation and drawings.

Nothing here knows of a screen: every module works from a Python prompt.
"""
