"""Parsed content of the CloudFormation templates."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.CSafeLoader):
    """YAML loader for CloudFormation's short forms.

    `!Ref X` becomes {"Ref": "X"}, and `!GetAtt X.Arn` becomes {"Fn::GetAtt": "X.Arn"}.
    """


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    return {name: node.value}


_Loader.add_multi_constructor("!", _intrinsic)


def read_template(path: Path) -> Mapping[str, Any]:
    """Return the whole template, with intrinsic functions in their long form.

    Raises:
        OSError: If the file can't be read.
        YAMLError: If it is not valid YAML.
    """
    parsed: Mapping[str, Any] = _Loader(path.read_text()).get_single_data()
    return parsed


def read_defaults(path: Path) -> dict[str, str]:
    """Return the default of each parameter that has one, by parameter name, as CloudFormation's text of it.

    Raises:
        OSError: If the file can't be read.
        YAMLError: If it is not valid YAML.
    """
    return find_defaults(read_template(path))


def find_defaults(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the default of each parameter of a parsed template that has one, as `read_defaults`."""
    parameters = template.get("Parameters", {})
    defaults = {name: parameter["Default"] for name, parameter in parameters.items() if "Default" in parameter}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}


def read_dashboard(path: Path) -> dict[str, Any]:
    """Return the body of the CloudWatch dashboard in an included file, with every condition true.

    References and the variables of `Fn::Sub` become text: `${Name}`.

    Raises:
        OSError: If the file can't be read.
    """
    body: dict[str, Any] = _as_text(read_template(path))
    return body


def _as_text(part: Any) -> Any:
    if isinstance(part, list):
        return [_as_text(item) for item in part]
    if not isinstance(part, dict):
        return part
    if set(part) == {"Ref"}:
        return f"${{{part['Ref']}}}"
    if set(part) == {"Fn::Sub"}:
        return part["Fn::Sub"]
    if set(part) == {"Fn::If"}:
        return _as_text(part["Fn::If"][1])
    return {key: _as_text(value) for key, value in part.items()}


@cache
def read_page_headers(path: Path, *, videos: str, live: str) -> dict[str, str]:
    """Return the headers that CloudFront adds to the studio's files, by name. The result is cached.

    `videos` is the origin from which the page may load videos, and `live` the one of its live connection.

    Raises:
        KeyError: If the template has no resource `WebHeaders`.
    """
    config = read_template(path)["Resources"]["WebHeaders"]["Properties"]["ResponseHeadersPolicyConfig"]
    policies = config["SecurityHeadersConfig"]
    content_policy = policies["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"][0]
    return {
        "Content-Security-Policy": content_policy.replace("${Videos}", videos).replace("${Live}", live),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": policies["FrameOptions"]["FrameOption"],
        "Referrer-Policy": policies["ReferrerPolicy"]["ReferrerPolicy"],
        "Strict-Transport-Security": f"max-age={policies['StrictTransportSecurity']['AccessControlMaxAgeSec']}",
        **{header["Header"]: header["Value"] for header in config["CustomHeadersConfig"]["Items"]},
    }
