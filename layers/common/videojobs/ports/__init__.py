"""Protocols that the services depend on, by subject. Docstrings call them `ports.VideoStore`, without the module."""
