"""The operators' commands: `python -m ops`. No function imports them; import-linter sees to it."""
