"""Parsed content of template.yaml."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML loader for CloudFormation's short forms.

    `!Ref X` becomes {"Ref": "X"}, and `!GetAtt X.Arn` becomes {"Fn::GetAtt": "X.Arn"}.
    """


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
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
    """
    parameters = read_template(path).get("Parameters", {})
    defaults = {name: parameter["Default"] for name, parameter in parameters.items() if "Default" in parameter}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}


def read_dashboard(path: Path) -> dict[str, Any]:
    """Return the body of the CloudWatch dashboard of a template.

    Variables of `Fn::Sub` remain as `${Name}`, except `${CostAlarm}`, which is removed.

    Raises:
        KeyError: If the template has no resource `Dashboard`.
    """
    body = read_template(path)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0]
    parsed: dict[str, Any] = json.loads(body.replace("${CostAlarm}", ""))
    return parsed


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
