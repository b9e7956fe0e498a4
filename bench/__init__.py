"""Benchmarks that produce the tables of docs/performance.md: `python -m bench`."""
