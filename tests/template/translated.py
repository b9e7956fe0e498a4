"""template.yaml as CloudFormation gets it: what SAM makes of it, on AWS and here, with the same translator."""

import copy
from collections.abc import Mapping
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.template.parsed import template

type Resources = Mapping[str, Mapping[str, Any]]


def translate(uploads: Mapping[str, str] | None = None, **parameters: str) -> Resources:
    """The resources of a deployment.

    `uploads`: under what name a function's or a layer's archive was uploaded, by logical id; `sam deploy` names them by
    their content. Parameters left out have their defaults.
    """
    source = copy.deepcopy(dict(template()))
    for logical_id, resource in source["Resources"].items():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://artifacts/{(uploads or {}).get(logical_id, logical_id)}"
    session = boto3.Session(region_name="eu-central-1")
    made: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(_spell_out(source), parameters)
    resources: Resources = made["Resources"]
    return resources


def of_type(resources: Resources, kind: str) -> dict[str, Mapping[str, Any]]:
    """Those of a type, by logical id."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def references(value: Any) -> set[str]:
    """The logical ids that a part of the template refers to; what `${…}` names in a text counts as well."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*(references(each) for each in value.values()))
    if "Ref" in value:
        found.add(value["Ref"])
    if "Fn::GetAtt" in value:
        found.add(value["Fn::GetAtt"][0])
    if "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        found |= {each.split("}")[0].split(".")[0] for each in text.split("${")[1:]}
    return found


def _spell_out(value: Any) -> Any:
    """`{"Fn::GetAtt": "X.Arn"}` as the list that the translator asks for."""
    if isinstance(value, list):
        return [_spell_out(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
    return {key: _spell_out(each) for key, each in value.items()}
