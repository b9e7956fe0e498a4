"""Checks of the secrets: ARN, region, existence and form. No finding contains a part of a value."""

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial

from botocore.exceptions import ClientError

from ops.preflight.aws import error_code
from ops.preflight.findings import Check, Finding, NotEstablishedError, failed, passed
from ops.preflight.mongodb import check_form as check_mongo_uri
from ops.preflight.target import Target
from videojobs.adapters.webhook import read_signing_secrets
from videojobs.api.auth import UnusableSecretError, check_secret
from videojobs.domain.errors import ProviderError, Unavailable
from videojobs_providers import AI_PROVIDERS
from videojobs_providers.rest.setup import ProviderKeys

type CheckForm = Callable[[Target, str], str]
"""Function that describes a secret's value without a part of it, or raises `ValueError` with a remedy."""


def list_checks(target: Target) -> Sequence[Check]:
    """Return a check of each secret that the environment needs."""
    forms: dict[str, CheckForm] = {"MongoSecretArn": _check_mongo, "JwtSecretArn": _check_jwt}
    if target.parameters["ProviderSecretArn"] or _providers_with_key(target):
        forms["ProviderSecretArn"] = _check_providers
    if target.parameters["WebhookSecretArn"] or target.parameters["WebhookUrls"]:
        forms["WebhookSecretArn"] = _check_webhooks
    return [Check(name, partial(_check, target, name, form)) for name, form in forms.items()]


def read_secret(target: Target, parameter: str) -> str:
    """Return the text of the secret whose ARN is in a parameter.

    Raises:
        NotEstablishedError: If the ARN is missing or the secret can't be read.
        ClientError: If there is no such secret.
    """
    arn = target.parameters.get(parameter, "")
    if not arn:
        raise NotEstablishedError(f"{parameter} is not set")
    response = target.aws.call("secretsmanager:GetSecretValue", SecretId=arn)
    text = response.get("SecretString")
    return str(text) if text is not None else bytes(response["SecretBinary"]).decode(errors="replace")


def read_mongo_uri(target: Target) -> str:
    """Return the text of the secret of MongoDB.

    Raises:
        NotEstablishedError: If the secret can't be read.
    """
    try:
        return read_secret(target, "MongoSecretArn")
    except ClientError as error:
        raise NotEstablishedError("MongoSecretArn can't be read") from error


def _check(target: Target, parameter: str, check_form: CheckForm) -> Finding:
    if problem := _check_arn(target, parameter):
        return problem
    try:
        value = read_secret(target, parameter)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return failed("does not exist", "Copy the ARN from the output of `aws secretsmanager create-secret`")
        if error_code(error) == "InvalidRequestException":
            return failed("is scheduled for deletion", "Restore it: `aws secretsmanager restore-secret`")
        raise
    try:
        return passed(f"exists, {check_form(target, value)}")
    except ValueError as error:
        return failed("exists, but its value can't be used", str(error))


def _check_arn(target: Target, parameter: str) -> Finding | None:
    arn = target.parameters.get(parameter, "")
    if not arn:
        return failed("is not set", f"Create the secret and set {parameter} in samconfig.toml (docs/guides/deploy.md)")
    if not re.fullmatch(target.template["Parameters"][parameter]["AllowedPattern"], arn):
        return failed("is not a whole ARN", "Copy the ARN with the hyphen and six characters at its end")
    if (region := arn.split(":")[3]) != target.region:
        return failed(f"is in {region}, the stack in {target.region}", f"Create the secret in {target.region}")
    return None


def _check_mongo(_target: Target, value: str) -> str:
    return f"a connection string for the database {check_mongo_uri(value)}"


def _check_jwt(target: Target, value: str) -> str:
    accept_short = target.template["Mappings"]["Release"]["Functions"]["AcceptShortJwtSecret"] == "true"
    try:
        is_long = check_secret(value, accept_short=accept_short)
    except UnusableSecretError as error:
        raise ValueError(f"The secret {error}") from None
    return "long enough for HS256" if is_long else "short for HS256, which AcceptShortJwtSecret accepts"


def _check_providers(target: Target, value: str) -> str:
    def read(*, refresh: bool = False) -> str:  # noqa: ARG001 - the signature of `ReadSecret`
        return value

    names = _providers_with_key(target)
    for name in names:
        try:
            part = ProviderKeys(name, read, level=logging.DEBUG).read()
        except ProviderError:
            part = {}
        if not part or not all(part.values()):
            raise ValueError(f"Store a JSON object with an object for {name} (docs/providers.md)")
    return f"with keys for {', '.join(names)}" if names else "not used by any provider"


def _check_webhooks(_target: Target, value: str) -> str:
    try:
        return f"{len(read_signing_secrets(value))} signing secret(s)"
    except Unavailable:
        raise ValueError("Store whsec_ and the base64 of 24 to 64 bytes (docs/guides/webhooks.md)") from None


def _providers_with_key(target: Target) -> list[str]:
    """Return the providers in use that need an entry in the secret. Bedrock uses the functions' roles."""
    used = ",".join(target.parameters[name] for name in ("Provider", "FallbackProviders", "AllowedProviders")).split(
        ","
    )
    return [name for name in AI_PROVIDERS if name in used and name != "bedrock"]
