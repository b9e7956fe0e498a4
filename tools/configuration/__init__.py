"""Generator of docs/reference/configuration.md: `python -m tools.configuration`."""
