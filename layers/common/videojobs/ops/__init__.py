"""The operators' commands: `python -m videojobs.ops`. No function imports them; import-linter sees to it."""
