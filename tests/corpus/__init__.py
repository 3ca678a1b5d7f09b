"""Models of all kinds, each with multiply-adds counted by somebody else.

``python -m tests.corpus`` audits them all and writes docs/coverage.md; test_corpus.py audits a varied few.
"""
