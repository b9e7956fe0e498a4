"""Readers of the parameter `ProviderOptions`, a JSON object with an object of options for each provider."""

import json
from collections.abc import Collection, Mapping
from typing import Any

ADD_MODEL = ", or add the model to the table MODELS of the provider's offer"
"""Advice for an unknown model of a provider that offers more models than the table lists."""


def read_options(text: str, name: str) -> Mapping[str, Any]:
    """Return one provider's options; empty if there are none.

    Raises:
        ValueError: If the text is not a JSON object, or its value for `name` is not an object. Values of other
            providers are not checked.
    """
    try:
        payload = json.loads(text)
    except ValueError:
        raise ValueError("ProviderOptions is not valid JSON") from None
    options = payload.get(name, {}) if isinstance(payload, dict) else None
    if not isinstance(options, dict):
        raise ValueError(  # noqa: TRY004 - the value of the parameter is wrong, not a type in the code
            f"ProviderOptions must be a JSON object, and its value for {name} must be an object"
        )
    return options


def read_text(options: Mapping[str, Any], name: str, default: str) -> str:
    """Return the option's value, or `default` if it is not set.

    Raises:
        ValueError: If the value is not a non-empty string.
    """
    value = options.get(name, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"ProviderOptions: {name} must be a non-empty string")
    return value


def read_model(options: Mapping[str, Any], provider: str, known: Collection[str], *, advice: str = "") -> str:
    """Return the option `model`, by default the first model of `known`.

    Raises:
        ValueError: If the model is not in `known`.
    """
    model = read_text(options, "model", next(iter(known)))
    if model not in known:
        raise ValueError(
            f"ProviderOptions: model {model} of {provider} is unknown. Use one of: {', '.join(known)}{advice}"
        )
    return model
