"""Fuzzing of everything that reads what somebody else may have written.

``python -m tests.fuzz READER`` fuzzes one reader, guided by coverage, until it is stopped or finds something
(``pip install mac-audit[fuzz]``; arguments behind the name are libFuzzer's, such as ``-max_total_time=60``). What it
found is kept in ``corpus/``, which ``tests/test_fuzz.py`` reads in every run.
"""
