"""Measures what section by section of docs/performance.md promises: `python -m bench`."""
