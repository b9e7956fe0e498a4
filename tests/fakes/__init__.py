"""The ports in memory, for tests: the same promises as the real adapters, held to them by `tests/contract`."""
