"""Reproducible measurements. Every number in the documentation is one that a command in here prints."""
