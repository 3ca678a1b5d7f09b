"""Mutation testing of what judges and what counts; see ``tests/mutation/__main__.py``."""
