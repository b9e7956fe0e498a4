"""Checks of an environment's settings, account and database before the first deployment: `make preflight`."""
