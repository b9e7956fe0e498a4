"""Each adapter's counterpart, found by its name."""

from importlib import import_module

from tests.providers.counterparts.server import Counterpart
from videojobs.adapters.providers import AI_PROVIDERS


def counterpart_of(name: str) -> type[Counterpart]:
    """The class `<Name>Counterpart` of `tests.providers.counterparts.<name>`.

    Raises:
        AssertionError: the adapter has none, so nobody knows whether it conforms.
    """
    assert name in AI_PROVIDERS, f"{name} is none of the adapters"
    where = f"tests.providers.counterparts.{name}"
    class_name = f"{name.title().replace('_', '')}Counterpart"
    try:
        found = getattr(import_module(where), class_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise AssertionError(f"the adapter {name} has no counterpart {where}.{class_name}: {error}") from error
    assert issubclass(found, Counterpart)
    assert found.name == name
    return found
