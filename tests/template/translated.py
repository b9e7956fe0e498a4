"""template.yaml after SAM's transformation, by the same translator that AWS uses."""

import copy
from collections.abc import Mapping
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.template.parsed import template

type Resources = Mapping[str, Mapping[str, Any]]


def translate(
    uploads: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None, **parameters: str
) -> Resources:
    """Return the resources of a deployment with these template parameters; other parameters have their defaults.

    `uploads` contains the names of the uploaded archives of functions and layers, by logical ID. `sam deploy` derives
    these names from the content. The default is the logical ID. `tags` are added to all functions.
    """
    source = copy.deepcopy(dict(template()))
    if tags:
        source["Globals"]["Function"]["Tags"] = dict(tags)
    for logical_id, resource in source["Resources"].items():
        for key in ("CodeUri", "ContentUri"):
            if key in resource.get("Properties", {}):
                resource["Properties"][key] = f"s3://artifacts/{(uploads or {}).get(logical_id, logical_id)}"
    session = boto3.Session(region_name="eu-central-1")
    translated: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(
        _spell_out(source), parameters
    )
    resources: Resources = translated["Resources"]
    return resources


def of_type(resources: Resources, kind: str) -> dict[str, Mapping[str, Any]]:
    """Return the resources of a type, by logical ID."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def references(value: Any) -> set[str]:
    """Return the names that a part of the template refers to, including those in the texts of `Fn::Sub`."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    names = set().union(*map(references, value.values()))
    if "Ref" in value:
        names.add(value["Ref"])
    if "Fn::GetAtt" in value:
        names.add(value["Fn::GetAtt"][0])
    if "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        names |= {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
    return names


def _spell_out(value: Any) -> Any:
    """Replace each `{"Fn::GetAtt": "X.Arn"}` by the list form that the translator requires."""
    if isinstance(value, list):
        return [_spell_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": value["Fn::GetAtt"].split(".", 1)}
    return {key: _spell_out(item) for key, item in value.items()}
