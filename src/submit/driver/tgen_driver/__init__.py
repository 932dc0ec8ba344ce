"""Runs the tests of a bundle that `cargo tgen bundle` has made.

It needs Python's standard library and pytest alone, and for `--ray` what Ray gives to its jobs.
"""
