"""Check of requests against the capabilities of the providers. Imported only for requests that need them."""

from collections.abc import Iterator, Sequence

from videojobs.api.body import MAXIMUM_DETAILS
from videojobs.domain.errors import ErrorDetail, ValidationFailed
from videojobs.domain.request import NewJob, Resolution
from videojobs.ports.videos import Offers


def check_capabilities(requests: Sequence[NewJob], offers: Offers, *, in_batch: bool = False) -> None:
    """Check that a provider that a request names has all that it requests, and that a provider makes its resolution.

    Seed, negative prompt and sound are not required of a provider that the deployment chooses.

    Raises:
        ValidationFailed: If not, with one detail per field (`items[4].seed` in a batch), at most `MAXIMUM_DETAILS`.
        ValueError: If the options of a provider are invalid.
    """
    details = [
        ErrorDetail(f"items[{index}].{field}" if in_batch else field, rule)
        for index, request in enumerate(requests)
        for field, rule in _find_problems(request, offers)
    ]
    if details:
        raise ValidationFailed(details[:MAXIMUM_DETAILS])


def _find_problems(request: NewJob, offers: Offers) -> Iterator[tuple[str, str]]:
    """Yield the fields of a request that can't be honoured, each with its rule."""
    if request.provider:
        capabilities = offers.get(request.provider)
        for field in capabilities.lacks(request) if capabilities else ():
            yield field, f"Is not available with {request.provider}. Omit it, or omit the provider."
        return
    made = {resolution for name in offers.order if (known := offers.get(name)) for resolution in known.resolutions}
    if request.resolution not in made:
        yield "resolution", f"Must be one of: {', '.join(name for name in Resolution if name in made)}."
