"""The parts of the AsyncAPI document that the code determines: the schemas of a job, and the example messages."""

import yaml

from tools.apidocs.examples import example_updates
from tools.apidocs.schemas import Json, all_schemas

_SHARED = ("VideoJobData", "OutputData", "CostData", "EstimateData")
"""The schemas that both documents contain."""


class _Dumper(yaml.SafeDumper):
    """YAML of which texts with several lines are readable blocks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def refresh_live_document(text: str) -> str:
    """Return the AsyncAPI document with current schemas and examples. The rest is written by hand and is kept.

    Raises:
        KeyError: If the document has no components, or no message `jobUpdated`.
        yaml.YAMLError: If the text is not valid YAML.
    """
    document: Json = yaml.load(text, Loader=yaml.CSafeLoader)
    components, schemas = document["components"], all_schemas()
    components["schemas"] |= {name: schemas[name] for name in _SHARED}
    components["messages"]["jobUpdated"]["examples"] = [
        {"name": name, "payload": dict(update)} for name, update in example_updates().items()
    ]
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
