"""Counterparts of the adapters, by name."""

from importlib import import_module

from tests.providers.counterparts.server import Counterpart
from videojobs_providers import AI_PROVIDERS


def counterpart_of(name: str) -> type[Counterpart]:
    """Return the class `<Name>Counterpart` of `tests.providers.counterparts.<name>`.

    Raises:
        AssertionError: If the adapter has no counterpart, so that its conformance is not tested.
    """
    assert name in AI_PROVIDERS, f"{name} is not in AI_PROVIDERS"
    module = f"tests.providers.counterparts.{name}"
    class_name = f"{name.title().replace('_', '')}Counterpart"
    try:
        counterpart = getattr(import_module(module), class_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise AssertionError(f"the adapter {name} has no counterpart {module}.{class_name}: {error}") from error
    assert issubclass(counterpart, Counterpart)
    assert counterpart.name == name
    return counterpart
