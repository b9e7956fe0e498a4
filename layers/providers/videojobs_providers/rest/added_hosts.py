"""Result hosts that an operator adds with the option `resultHosts`."""

import re

_ENTRY = re.compile(
    r"(?P<suffix>\.?)(?P<name>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+)"
    r"(?P<prefix>(?:/[A-Za-z0-9._~-]+)*/?)"
)
_STORES = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "azureedge.net",
    "backblazeb2.com",
    "cloudflarestorage.com",
    "cloudfront.net",
    "core.windows.net",
    "digitaloceanspaces.com",
    "googleapis.com",
    "googleusercontent.com",
    "r2.dev",
)
"""Domains in which every customer of a store or content delivery network has hosts or paths."""
_PATH_STORES = re.compile(r"(s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?|storage\.(cloud\.google|googleapis)\.com)")
"""Hosts at which the path contains the bucket, so that all customers share them."""


def read_added_hosts(text: str) -> list[str]:
    """Return the hosts of the option `resultHosts`, which are separated by commas, in the form that `download` takes.

    An entry is a host name, a host name with a path prefix, or a suffix that starts with a dot. Such hosts are reached
    with HTTPS only and receive no key, which a slash after the name expresses.

    Raises:
        ValueError: If an entry has another form, or would allow the files of all customers of a known store.
    """
    return [_read_entry(entry.strip()) for entry in text.split(",")]


def _read_entry(entry: str) -> str:
    match = _ENTRY.fullmatch(entry)
    if match is None or not {".", ".."}.isdisjoint(match["prefix"].split("/")):
        raise ValueError(
            f"ProviderOptions: resultHosts has the entry {entry!r}. Use host names in lower case, such as "
            "cdn.example.com or storage.example.com/bucket, without https:// and without wildcards"
        )
    name, prefix = match["name"], match["prefix"].strip("/")
    if match["suffix"] and (any(_overlap(name, store) for store in _STORES) or "." not in name):
        raise ValueError(
            f"ProviderOptions: resultHosts has the entry {entry!r}, which allows hosts of other customers. Use the "
            "full host name"
        )
    if not prefix and _PATH_STORES.fullmatch(name):
        raise ValueError(
            f"ProviderOptions: resultHosts has the entry {entry!r}, a host that all customers share. Add the bucket: "
            f"{name}/bucket"
        )
    return f"{match['suffix']}{name}/{prefix}"


def _overlap(name: str, store: str) -> bool:
    """Return whether one of two domains contains the other one."""
    return f".{name}".endswith(f".{store}") or f".{store}".endswith(f".{name}")
