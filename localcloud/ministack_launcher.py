"""Starts MiniStack with its mistakes mended that can't be worked around from outside; runs in the servers' environment.

SQS: AWS asks for `sqs:SendMessage` when a batch is sent (there is no action `sqs:SendMessageBatch`), and the same for
the other batches; MiniStack asks for the batch's own name and so refuses what AWS allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html

CloudWatch Logs: AWS names a group `…:log-group:NAME:*` when it asks a policy; MiniStack leaves the end away, and so
refuses what the policy of a log group's own ARN allows.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html

Lambda: a worker process that dies while it starts takes every other worker of its function along, busy ones included,
which then do the same to those that are started in their place. On AWS it dies alone.

WebSockets: all events of a function are worked on one after another by one process, and what it logs is thrown away. On
AWS they are calls like any other.

Versions: it does not tell a function that it is being initialised for a snapshot, gives all traffic of an alias to one
version whatever the weights, and lets a queue call the alias that it called before a deployment.
"""

import importlib
import random
import sys
from typing import Any

actions: Any = importlib.import_module("ministack.core.iam_actions")
extract_iam_action, extract_resource_arn = actions.extract_iam_action, actions.extract_resource_arn
functions: Any = importlib.import_module("ministack.services.lambda_svc")
stamp_published_version = functions._stamp_snapstart_published_version  # noqa: SLF001
resolve_qualifier = functions._effective_func_record_for_qualifier  # noqa: SLF001
mappings: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
update_mapping = mappings._lambda_esm_update  # noqa: SLF001


def extract_real_action(*arguments: Any, **named: Any) -> str | None:
    """The action that a call needs, as IAM names it."""
    action: str | None = extract_iam_action(*arguments, **named)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


def extract_real_resource(*arguments: Any, **named: Any) -> str:
    """What a call is about, as IAM names it."""
    arn: str = extract_resource_arn(*arguments, **named)
    return f"{arn}:*" if ":log-group:" in arn and arn.count(":") == 6 else arn


def invalidate_broken_worker(*arguments: Any, **named: Any) -> None:
    """End the worker whose call has failed, and not its whole function; a deployment still replaces them all."""
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    caller = sys._getframe(1)  # noqa: SLF001 - it does not say which worker it means
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
    """Stands in for the one worker that all events of WebSockets would share."""

    def __init__(self, _name: str, config: dict[str, Any], code_zip: bytes, **_: Any) -> None:
        """Of one function."""
        self._function = {"config": config, "code_zip": code_zip}

    def invoke(self, event: dict[str, Any], _request_id: str) -> dict[str, Any]:
        """With a process of its own and a log."""
        done = importlib.import_module("ministack.services.lambda_svc")._execute_function(self._function, event)  # noqa: SLF001
        if done.get("error") or done.get("throttle"):
            return {"status": "error", "error": str(done["body"])}
        return {"status": "ok", "result": done["body"]}


def stamp_snapshot(version: dict[str, Any]) -> bool:
    """A version that is initialised for a snapshot; it says so to itself, as AWS's does."""
    is_snapped: bool = stamp_published_version(version)
    if is_snapped:
        environment = version.get("Environment") or {}
        variables = environment.get("Variables", {}) | {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
        version["Environment"] = environment | {"Variables": variables}
    return is_snapped


def choose_version(function: dict[str, Any] | None, qualifier: str | None) -> Any:
    """What a call is for; an alias with two versions gives each its share."""
    alias = ((function or {}).get("aliases") or {}).get(qualifier) or {}
    slots = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in slots.items():  # Lambda allows one
        if random.random() < float(weight):  # noqa: S311 - a share of calls
            qualifier = version
    return resolve_qualifier(function, qualifier)


def update_event_source(*arguments: Any) -> Any:
    """Have a queue call what its mapping says now."""
    updated = update_mapping(*arguments)
    services = importlib.import_module("ministack.services.lambda_svc")
    mapping = services._esms[updated[0]]  # noqa: SLF001
    mapping["Qualifier"] = services._resolve_name_and_qualifier(mapping["FunctionArn"])[1]  # noqa: SLF001
    return updated


if __name__ == "__main__":
    importlib.import_module("ministack.core.lambda_runtime").get_or_create_worker = CallLikeAnyOther  # type: ignore[attr-defined]
    functions.invalidate_worker = invalidate_broken_worker
    functions._stamp_snapstart_published_version = stamp_snapshot  # noqa: SLF001
    functions._effective_func_record_for_qualifier = choose_version  # noqa: SLF001
    mappings._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]["update"] = update_event_source  # noqa: SLF001
    actions.extract_iam_action = extract_real_action
    actions.extract_resource_arn = extract_real_resource
    importlib.import_module("ministack.app").main()
