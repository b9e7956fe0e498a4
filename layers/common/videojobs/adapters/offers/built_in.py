"""Offers of the providers `sketch` and `simulated`, which make every length, size and resolution."""

from videojobs.ports.videos import Capabilities, UnknownSubmit

SKETCH = Capabilities(yields_pixels=True, can_cancel=True, unknown_submit=UnknownSubmit.REPEAT, takes_seed=True)
SIMULATED = Capabilities(
    yields_pixels=False,
    can_cancel=True,
    unknown_submit=UnknownSubmit.REPEAT,
    takes_seed=True,
    takes_negative_prompt=True,
    makes_sound=True,
)
"""It accepts every field, so that a page can be tried without a provider."""
