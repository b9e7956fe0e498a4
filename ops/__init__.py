"""The operators' command line, `python -m ops`. import-linter checks that no function imports it."""
