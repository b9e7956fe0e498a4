"""Crashes, broken networks and lying services, on real parts; see docs/adr/0008-crashes-are-made-from-outside.md.

Sixteen of the reliability scenarios are here: crashes after each outside effect, duplicates, lost messages and lost
answers, step-downs and kills of the database, every way in which a provider can misbehave, paused workers, wrong
clocks, rotated secrets. Not yet: a cancel against a finish, and one user who holds up all others; neither cancelling
nor fairness exists so far.
"""
