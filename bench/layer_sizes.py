"""Unzipped sizes of each layer, and of each function with its layers."""

from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from bench.build_output import build_system
from bench.figures import Figure, Section

_COMMON_AT_MOST_MB = 32
_FUNCTION_BELOW_MB = 250


def measure_sizes() -> Section:
    """Build the application and return the unzipped sizes of its layers and functions, in megabytes (10⁶ bytes).

    Of the functions with the same layers, the largest is returned, with its layers.

    Raises:
        LocalCloudError: If the build fails.
    """
    folder = build_system()
    template: dict[str, Any] = yaml_parse((folder / "template.yaml").read_text())
    resources = template["Resources"]
    layers = {name: _megabytes(folder / name) for name in _named(resources, "AWS::Serverless::LayerVersion")}
    figures = [_layer_figure(name, size) for name, size in layers.items()]
    shared = _layer_names(template["Globals"]["Function"])
    largest: dict[str, float] = {}
    for name in _named(resources, "AWS::Serverless::Function"):
        used = [*shared, *_layer_names(resources[name]["Properties"])]
        size = _megabytes(folder / name) + sum(layers[layer] for layer in used)
        figure = f"largest function with {', '.join(used)}"
        largest[figure] = max(size, largest.get(figure, 0))
    figures += [
        Figure(figure, f"{size:.1f} MB", f"< {_FUNCTION_BELOW_MB} MB", reached=size < _FUNCTION_BELOW_MB)
        for figure, size in largest.items()
    ]
    return Section("Sizes, unzipped", "Output of `sam build` for this machine; 1 MB is 10⁶ bytes.", figures)


def _layer_figure(name: str, size: float) -> Figure:
    if name != "CommonLayer":
        return Figure(name, f"{size:.1f} MB")
    return Figure(name, f"{size:.1f} MB", f"≤ {_COMMON_AT_MOST_MB} MB", reached=size <= _COMMON_AT_MOST_MB)


def _named(resources: dict[str, Any], kind: str) -> list[str]:
    return [name for name, resource in resources.items() if resource["Type"] == kind]


def _layer_names(properties: dict[str, Any]) -> list[str]:
    return [layer["Ref"] for layer in properties.get("Layers", [])]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
