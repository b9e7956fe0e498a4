"""Fault injection into real components; see docs/adr/0008-crash-tests-kill-processes-from-outside.md.

The scenarios: crashes before and after each external effect, duplicate and lost messages, lost responses, step-downs
and kills of the database, faulty providers, paused workers, wrong clocks, rotated secrets, a cancellation at any
moment, and one user who floods the system.
"""
