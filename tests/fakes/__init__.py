"""In-memory implementations of the ports for tests; `tests/contract` verifies them against the real adapters."""
