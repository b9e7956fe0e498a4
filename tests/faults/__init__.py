"""Crashes, broken networks and lying services, on real parts; see docs/adr/0008-crashes-are-made-from-outside.md.

The scenarios: crashes after each outside effect, duplicates, lost messages and lost answers, step-downs and kills of
the database, every way in which a provider can misbehave, paused workers, wrong clocks, rotated secrets, a cancel
against whatever happens at that moment, and one user who floods the system.
"""
