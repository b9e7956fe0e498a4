"""The OpenAPI document: current, complete, and consistent with its examples."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.callbacks import app as callbacks_app
from functions.generate import app as generate_app
from functions.jobs import app as jobs_app
from functions.realtime import app as realtime_app
from functions.status import app as status_app
from localcloud.config import CloudConfig
from tools.apidocs.document import build_document
from tools.apidocs.page import build_page
from tools.apidocs.schemas import CURSOR_PATTERN, UNLISTED
from videojobs.api.http import HttpRequest
from videojobs.api.query import encode_cursor, parse_list_query
from videojobs.domain.prompt import is_visible
from videojobs.settings import ApiSettings, SlotSettings

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = build_document()


def find(document, key):
    if isinstance(document, dict):
        for name, value in document.items():
            if name == key:
                yield value
            yield from find(value, key)
    elif isinstance(document, list):
        for value in document:
            yield from find(value, key)


def test_the_committed_document_is_current():
    text = json.dumps(DOCUMENT, indent=2, ensure_ascii=False) + "\n"
    assert (DOCS / "openapi.json").read_text(encoding="utf-8") == text, "stale: make apidocs"


def test_the_committed_page_is_current():
    assert (DOCS / "reference" / "api.md").read_text(encoding="utf-8") == build_page(DOCUMENT), "stale: make apidocs"


def test_the_page_contains_every_operation_field_and_error_code():
    page = build_page(DOCUMENT)
    names = [*OPERATIONS, *SCHEMAS["VideoJobData"]["properties"], *SCHEMAS["ErrorData"]["properties"]["code"]["enum"]]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_document_is_generated_deterministically():
    assert build_document() == DOCUMENT


def test_every_reference_can_be_resolved():
    references = set(find(DOCUMENT, "$ref"))
    assert references
    for reference in references:
        target = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize(
    "api",
    [generate_app.api, status_app.api, jobs_app.api, realtime_app.ticket_api(), callbacks_app.api],
    ids=["generate", "status", "jobs", "realtime", "callbacks"],
)
def test_every_route_of_a_function_is_documented(api):
    routes = [*api._static_routes, *api._dynamic_routes]
    assert routes
    for route in routes:
        path = (
            route.path.replace("<job_id>", "{jobId}")
            .replace("<batch_id>", "{batchId}")
            .replace("<provider>", "{provider}")
        )
        assert route.method.lower() in DOCUMENT["paths"][path]


def test_the_documented_pattern_of_a_prompt_allows_the_visible_characters():
    pattern = re.compile(DOCUMENT["components"]["schemas"]["GenerateRequest"]["properties"]["prompt"]["pattern"])
    allowed = {character[0] for character in pattern.finditer("".join(map(chr, range(0x110000))))}
    wrong = [code for code in range(0x110000) if is_visible(chr(code)) != (chr(code) in allowed)]
    assert wrong == list(UNLISTED)


def contents():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                yield f"{method} {path}", operation["requestBody"]["content"]["application/json"]
            for status, response in operation["responses"].items():
                if "content" in response:
                    yield f"{method} {path} {status}", response["content"]["application/json"]
    for name, response in DOCUMENT["components"]["responses"].items():
        yield name, response["content"]["application/json"]


@pytest.mark.parametrize("content", [content for _, content in contents()], ids=[name for name, _ in contents()])
def test_every_example_matches_its_schema(content):
    schema = content["schema"] | {"components": DOCUMENT["components"]}
    assert content["examples"]
    for example in content["examples"].values():
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(example["value"])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"prompt": " \u3000"},
        {"prompt": "\u200b\u2800\u3164"},
        {"prompt": ""},
        {"duration": True},
        {"duration": "8"},
        {"duration": 61},
        {"style": "sad"},
        {"priority": "urgent"},
        {"priority": None},
        {"x": 1},
    ],
)
def test_the_documented_request_refuses_what_the_code_refuses(wrong):
    good = DOCUMENT["paths"]["/api/videos/generate"]["post"]["requestBody"]["content"]["application/json"]
    body = (good["examples"]["calm"]["value"] | wrong) if wrong else {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, good["schema"] | {"components": DOCUMENT["components"]})


@pytest.mark.parametrize(
    "wrong", [{"items": []}, {"items": "x"}, {"items": [{}]}, {"items": [1]}, {"priority": "urgent"}, {"x": 1}]
)
def test_the_documented_batch_refuses_what_the_code_refuses(wrong):
    good = DOCUMENT["paths"]["/api/videos/batch"]["post"]["requestBody"]["content"]["application/json"]
    schema = good["schema"] | {"components": DOCUMENT["components"]}
    for items in (wrong, {"items": good["examples"]["two"]["value"]["items"] * 26}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(good["examples"]["two"]["value"] | items, schema)


OPERATIONS = {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}


def test_every_operation_id_is_unique():
    assert len(OPERATIONS) == len(list(find(DOCUMENT["paths"], "operationId")))


def test_the_id_of_a_head_operation_is_that_of_get():
    for methods in DOCUMENT["paths"].values():
        if "head" in methods:
            assert methods["head"]["operationId"] == methods["get"]["operationId"].replace("get", "head")


def test_every_tag_is_described_and_used():
    described = [tag["name"] for tag in DOCUMENT["tags"] if tag["description"]]
    assert set(described) == {tag for operation in OPERATIONS.values() for tag in operation["tags"]}


SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_field_is_described(schema):
    assert SCHEMAS[schema]["description"]
    for field, content in SCHEMAS[schema].get("properties", {}).items():
        target = content.get("$ref", "").rpartition("/")[2]
        assert content.get("description") or SCHEMAS[target]["description"], field


def test_every_parameter_header_and_response_is_described():
    described = [
        *DOCUMENT["components"]["headers"].values(),
        *DOCUMENT["components"]["responses"].values(),
        *(parameter for operation in OPERATIONS.values() for parameter in operation.get("parameters", [])),
        *(response for operation in OPERATIONS.values() for response in operation["responses"].values()),
    ]
    assert [content for content in described if "$ref" not in content and not content.get("description")] == []


@pytest.mark.parametrize("schema", ["GenerateRequest", "BatchRequest"])
def test_a_field_of_a_request_has_no_default(schema):
    assert [field for field, content in SCHEMAS[schema]["properties"].items() if "default" in content] == []


def test_every_error_has_the_same_schema():
    contents = [response["content"] for response in DOCUMENT["components"]["responses"].values()]
    assert [content["application/json"]["schema"] for content in contents] == [
        {"$ref": "#/components/schemas/ErrorEnvelope"}
    ] * len(contents)


def test_the_introduction_contains_the_limits():
    introduction = " ".join(DOCUMENT["info"]["description"].split())
    for limit in (
        f"{ApiSettings.generate_calls_per_minute} requests to create or retry jobs",
        f"{ApiSettings.read_calls_per_minute} other requests",
        f"{SlotSettings.active_jobs_per_user} active",
        "64 KiB",
        "1 MiB",
        "24 hours",
    ):
        assert limit in introduction


def test_the_local_server_is_that_of_the_local_system():
    assert DOCUMENT["servers"][-1]["url"] == f"http://127.0.0.1:{CloudConfig.from_environment({}).web_port}"


MOMENTS = [
    example["value"]["data"]
    for name, example in OPERATIONS["getVideo"]["responses"]["200"]["content"]["application/json"]["examples"].items()
    if name != "cancelled"
]


def test_the_examples_of_a_job_show_one_job_at_four_moments():
    assert [job["status"] for job in MOMENTS] == ["queued", "processing", "completed", "failed"]
    same = {(job["jobId"], job["prompt"], job["duration"], job["createdAt"]) for job in MOMENTS}
    assert len(same) == 1
    queued, processing, *ended = MOMENTS
    for job in ended:
        assert queued["version"] < processing["version"] < job["version"]
        assert queued["createdAt"] <= queued["updatedAt"] < processing["updatedAt"] < job["updatedAt"]


@pytest.mark.parametrize("job", MOMENTS, ids=lambda job: job["status"])
def test_an_example_of_a_job_has_the_fields_of_its_status(job):
    of_status = {
        "queued": {"queuePosition"},
        "processing": {"progress", "estimatedSecondsLeft", "estimatedCost"},
        "completed": {"progress", "videoUrl", "posterUrl", "previewUrl", "output", "estimatedCost", "actualCost"},
        "failed": {"progress", "errorMessage", "estimatedCost"},
    }
    depending = set().union(*of_status.values())
    assert {field for field in depending if job[field] is not None} == of_status[job["status"]]


def test_every_link_is_used_and_leads_to_an_operation_with_its_parameters():
    links = DOCUMENT["components"]["links"]
    for link in links.values():
        names = {parameter["name"] for parameter in OPERATIONS[link["operationId"]]["parameters"]}
        assert set(link["parameters"]) <= names
    used = [
        response.get("links", {}) for operation in OPERATIONS.values() for response in operation["responses"].values()
    ]
    assert {name for links_of_response in used for name in links_of_response} == set(links)


@given(st.from_regex(CURSOR_PATTERN.removesuffix("$"), fullmatch=True))
def test_the_code_accepts_every_documented_cursor(cursor):
    position = parse_list_query(HttpRequest.from_event({"queryStringParameters": {"cursor": cursor}})).after
    assert position is not None
    assert encode_cursor(position) == cursor


def test_the_session_cookie_is_the_documented_authentication():
    scheme = DOCUMENT["components"]["securitySchemes"]["session"]
    assert (scheme["type"], scheme["in"]) == ("apiKey", "cookie")
    assert DOCUMENT["security"] == [{"session": []}]
