"""Parsing of incoming HTTP, WebSocket and SQS events, and serialization of responses and messages."""
