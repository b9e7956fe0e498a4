"""Start of MiniStack with fixes for defects that cannot be worked around from outside.

It runs in the servers' environment.

SQS: for a batch of messages AWS checks the permission `sqs:SendMessage`, and likewise for other batches. MiniStack
checks `sqs:SendMessageBatch`, an action that does not exist, and so rejects requests that AWS allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html

CloudWatch Logs: AWS matches policies against `…:log-group:NAME:*`. MiniStack omits the end, and so rejects requests
that a policy for a log group's ARN allows.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html

Lambda: when a worker process fails during its start, MiniStack also ends all other workers of the function, including
busy ones, and the failures of those then end their replacements. On AWS only the failed execution environment ends.

WebSockets: MiniStack runs all events of a function one after another in one process and discards its logs. On AWS they
are normal invocations.

Versions: MiniStack does not set the initialization type of a snapshot, ignores the weights of an alias, and after a
deployment lets a queue invoke the alias that it had before.

Nested stacks: MiniStack applies the transforms of a template (loops, included files) only to a root stack.

Layers: MiniStack unpacks all layers again for each execution environment, which takes longer than the start of the
function, and delays all other requests meanwhile. On AWS and here, environments only read `/opt`, so they share it. A
layer is unpacked when it is created, so that the first call of a function does not wait for it.
"""

import hashlib
import importlib
import io
import os
import random
import sys
import tempfile
import threading
import zipfile
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

actions: Any = importlib.import_module("ministack.core.iam_actions")
extract_iam_action, extract_resource_arn = actions.extract_iam_action, actions.extract_resource_arn
functions: Any = importlib.import_module("ministack.services.lambda_svc")
stamp_published_version = functions._stamp_snapstart_published_version  # noqa: SLF001
resolve_qualifier = functions._effective_func_record_for_qualifier  # noqa: SLF001
mappings: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
update_mapping = mappings._lambda_esm_update  # noqa: SLF001
create_layer = mappings._lambda_layer_create  # noqa: SLF001
deploy_stack = mappings._cfn_nested_stack_deploy  # noqa: SLF001
engine: Any = importlib.import_module("ministack.services.cloudformation.engine")
parse_plain = engine._parse_template  # noqa: SLF001
runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
spawn_worker = runtime.Worker._spawn  # noqa: SLF001
unpacking = threading.Lock()
nested_parameters: ContextVar[list[dict[str, str]] | None] = ContextVar("nested_parameters", default=None)


def extract_real_action(*arguments: Any, **named: Any) -> str | None:
    """Return the IAM action that a request needs; None if MiniStack knows none."""
    action: str | None = extract_iam_action(*arguments, **named)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


def extract_real_resource(*arguments: Any, **named: Any) -> str:
    """Return the ARN that IAM matches for a request; the ARN of a log group ends with `:*`."""
    arn: str = extract_resource_arn(*arguments, **named)
    return f"{arn}:*" if ":log-group:" in arn and arn.count(":") == 6 else arn


def invalidate_broken_worker(*arguments: Any, **named: Any) -> None:
    """End the worker whose invocation failed, and keep the other workers of its function.

    For other callers, such as a deployment, end all workers of the function, as MiniStack does.
    """
    caller = sys._getframe(1)  # noqa: SLF001 - the arguments do not identify the worker
    if caller.f_code.co_name != "_execute_function_warm":
        runtime.invalidate_worker(*arguments, **named)
        return
    broken = caller.f_locals["worker"]
    with runtime._lock:  # noqa: SLF001
        for pool in runtime._workers.values():  # noqa: SLF001
            if broken in pool:
                pool.remove(broken)
    runtime.kill_workers([broken])


class CallLikeAnyOther:
    """Replacement for the worker that all WebSocket events of a function would share; it invokes the function."""

    def __init__(self, _name: str, config: dict[str, Any], code_zip: bytes, **_: Any) -> None:
        """Store the configuration and the code of the function."""
        self._function = {"config": config, "code_zip": code_zip}

    def invoke(self, event: dict[str, Any], _request_id: str) -> dict[str, Any]:
        """Invoke the function as any other caller does, so that it has its own process and logs.

        Return `{"status": "ok", "result": …}`, or `{"status": "error", "error": …}` if the function fails or is
        throttled.
        """
        services = importlib.import_module("ministack.services.lambda_svc")
        result = services._execute_function(self._function, event)  # noqa: SLF001
        if result.get("error") or result.get("throttle"):
            return {"status": "error", "error": str(result["body"])}
        return {"status": "ok", "result": result["body"]}


@lru_cache(maxsize=16)
def unpack_once(content: bytes) -> Path:
    """Unpack the archive of a layer unless an earlier call has unpacked the same content. Return its folder."""
    folder = Path(tempfile.gettempdir()) / f"layer-{hashlib.sha256(content).hexdigest()}"
    with unpacking:
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(draft)
            draft.rename(folder)
    return folder


def create_unpacked_layer(*arguments: Any) -> Any:
    """Create a version of a layer, start to unpack it, and return MiniStack's result."""
    result = create_layer(*arguments)
    if content := functions._resolve_layer_zip(result[0]):  # noqa: SLF001
        threading.Thread(target=unpack_once, args=(content,), daemon=True).start()
    return result


def spawn_with_shared_layers(worker: Any) -> None:
    """Start the process of a worker, with the layers of its function in folders that all workers share."""
    config = worker.config
    contents = [functions._resolve_layer_zip(layer) for layer in config.get("Layers", ())]  # noqa: SLF001
    folders = os.pathsep.join(str(unpack_once(content)) for content in contents if content)
    variables = (config.get("Environment") or {}).get("Variables", {}) | {"_LAMBDA_LAYERS_DIRS": folders}
    worker.config = config | {"Layers": [], "Environment": {"Variables": variables}}
    try:
        spawn_worker(worker)
    finally:
        worker.config = config


def stamp_snapshot(version: dict[str, Any]) -> bool:
    """Return whether a version uses SnapStart, and if so set its initialization type, as AWS does."""
    has_snapshot: bool = stamp_published_version(version)
    if has_snapshot:
        environment = version.get("Environment") or {}
        variables = environment.get("Variables", {}) | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        version["Environment"] = environment | {"Variables": variables}
    return has_snapshot


def choose_version(function: dict[str, Any] | None, qualifier: str | None) -> Any:
    """Return MiniStack's record of the version to invoke.

    For an alias with two versions, choose one at random by their weights.
    """
    alias = ((function or {}).get("aliases") or {}).get(qualifier) or {}
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():  # Lambda allows one additional version
        if random.random() < float(weight):  # noqa: S311 - splits traffic
            qualifier = version
    return resolve_qualifier(function, qualifier)


def update_event_source(*arguments: Any) -> Any:
    """Update an event source mapping, including the alias that its queue invokes, and return MiniStack's result."""
    result = update_mapping(*arguments)
    services = importlib.import_module("ministack.services.lambda_svc")
    mapping = services._esms[result[0]]  # noqa: SLF001
    mapping["Qualifier"] = services._resolve_name_and_qualifier(mapping["FunctionArn"])[1]  # noqa: SLF001
    return result


def deploy_nested_stack(logical_id: str, properties: dict[str, Any], *arguments: Any, **named: Any) -> Any:
    """Deploy a nested stack, with the transforms of its template applied, and return MiniStack's result."""
    given = properties.get("Parameters", {})
    token = nested_parameters.set([{"Key": name, "Value": str(value)} for name, value in given.items()])
    try:
        return deploy_stack(logical_id, properties, *arguments, **named)
    finally:
        nested_parameters.reset(token)


def parse_template(body: str) -> Any:
    """Return a parsed template. Within `deploy_nested_stack`, apply its transforms too.

    MiniStack itself applies those of a root stack.

    Raises:
        ValueError: If a transform fails.
    """
    template, parameters = parse_plain(body), nested_parameters.get()
    if parameters is None:
        return template
    transformed = engine._apply_transforms(template, parameters)  # noqa: SLF001
    if error := getattr(transformed, "error", None):
        raise ValueError(error)
    return transformed


if __name__ == "__main__":
    runtime.get_or_create_worker = CallLikeAnyOther
    runtime.Worker._spawn = spawn_with_shared_layers  # noqa: SLF001
    functions.invalidate_worker = invalidate_broken_worker
    functions._stamp_snapstart_published_version = stamp_snapshot  # noqa: SLF001
    functions._effective_func_record_for_qualifier = choose_version  # noqa: SLF001
    mappings._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]["update"] = update_event_source  # noqa: SLF001
    mappings._RESOURCE_HANDLERS["AWS::Lambda::LayerVersion"]["create"] = create_unpacked_layer  # noqa: SLF001
    mappings._cfn_nested_stack_deploy = deploy_nested_stack  # noqa: SLF001
    engine._parse_template = parse_template  # noqa: SLF001
    actions.extract_iam_action = extract_real_action
    actions.extract_resource_arn = extract_real_resource
    importlib.import_module("ministack.app").main()
