"""Cached factories of the providers and of the verifiers of their callbacks. `videojobs.bootstrap` makes all else.

The module of a provider is imported on first use. Tests replace factories here and patch nothing else.
"""

import logging
from functools import cache

from videojobs import bootstrap
from videojobs.adapters.offers.options import read_options
from videojobs.ports.callbacks import CALLBACK_PROVIDERS, CallbackVerifier
from videojobs.ports.videos import Providers, UnknownSubmit, VideoProvider
from videojobs.services.route_provider import ProviderRouter
from videojobs.settings import CallbacksSettings, ProviderSettings, SimulatedSettings, StoreSettings
from videojobs_providers import find_ai_provider
from videojobs_providers.callbacks import make_verifier
from videojobs_providers.instrumented import InstrumentedProvider
from videojobs_providers.rest.setup import ProviderKeys, ProviderSetup


@cache
def providers() -> Providers:
    """Return the configured providers. The module of a provider is imported on first use.

    `Providers.get` raises `ValueError` if the options or other settings of a provider are invalid.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    settings = ProviderSettings.from_environment()
    return Providers(order=(settings.provider, *settings.fallback_providers), get=_provider)


def provider_router() -> ProviderRouter:
    """Return the router that chooses a job's provider.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
    """
    return ProviderRouter(providers(), bootstrap.circuit_repository())


@cache
def _provider(name: str) -> VideoProvider | None:
    if name == "sketch":
        from videojobs_providers.sketch import SketchProvider

        return SketchProvider()
    if name == "simulated":
        return _simulated_provider()
    provider = _ai_provider(name)
    if provider is None:
        return None
    return InstrumentedProvider(provider)


def allows_result(provider: str, link: str) -> bool:
    """Return whether the options of the provider allow to fetch a result at the link. No request is sent.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
        ValueError: If the options of the provider are invalid.
    """
    from videojobs_providers.rest.provider import RestVideoProvider

    adapter = _ai_provider(provider)
    return isinstance(adapter, RestVideoProvider) and adapter.allows_result(link)


@cache
def _ai_provider(name: str) -> VideoProvider | None:
    make = find_ai_provider(name)
    if make is None:
        return None
    settings = ProviderSettings.from_environment()
    arn = settings.provider_secret_arn
    keys = ProviderKeys(name, bootstrap.secret(arn).get if arn else None)
    options = read_options(settings.provider_options, name)
    results_uri = f"s3://{StoreSettings.from_environment().videos_bucket}/{name}"
    unknown_submit = UnknownSubmit(settings.unknown_submit)
    setup = ProviderSetup(keys.read, options, unknown_submit=unknown_submit, results_uri=results_uri)
    return make(setup)


def callback_verifier(name: str) -> CallbackVerifier | None:
    """Return the verifier of a provider's callbacks, or None.

    It is None if the provider does not send callbacks, or if the deployment neither uses it nor offers it for choice.
    Only known names reach the cache, because unauthenticated requests choose `name`.

    Raises:
        SettingsError: If an environment variable is missing or malformed.
        ValueError: If the parameter `ProviderOptions` has another form than a JSON object of objects.
    """
    return _callback_verifier(name) if name in CALLBACK_PROVIDERS else None


@cache
def _callback_verifier(name: str) -> CallbackVerifier | None:
    settings = CallbacksSettings.from_environment()
    if name not in {settings.provider, *settings.fallback_providers, *settings.allowed_providers}:
        return None
    arn = settings.provider_secret_arn
    # A warning, because unauthenticated callers can cause it. The worker logs the same problem as an error.
    keys = ProviderKeys(name, bootstrap.secret(arn).get if arn else None, level=logging.WARNING)
    return make_verifier(name, keys.read, read_options(settings.provider_options, name))


def _simulated_provider() -> VideoProvider:
    from videojobs_providers.simulated import SimulatedProvider

    settings = SimulatedSettings.from_environment()
    return SimulatedProvider(
        clock=bootstrap.clock(),
        min_seconds=settings.simulated_min_seconds,
        max_seconds=settings.simulated_max_seconds,
        failure_rate=settings.simulated_failure_rate,
    )
