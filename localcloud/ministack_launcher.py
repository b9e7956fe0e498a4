"""Starts MiniStack with its mistakes mended that can't be worked around from outside; runs in the servers' environment.

SQS: AWS asks for `sqs:SendMessage` when a batch is sent (there is no action `sqs:SendMessageBatch`), and the same for
the other batches; MiniStack asks for the batch's own name and so refuses what AWS allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html

Lambda: a worker process that dies while it starts takes every other worker of its function along, busy ones included,
which then do the same to those that are started in their place. On AWS it dies alone.

WebSockets: all events of a function are worked on one after another by one process, and what it logs is thrown away. On
AWS they are calls like any other.
"""

import importlib
import sys
from typing import Any

actions: Any = importlib.import_module("ministack.core.iam_actions")
extract_iam_action = actions.extract_iam_action


def extract_real_action(*arguments: Any, **named: Any) -> str | None:
    """The action that a call needs, as IAM names it."""
    action: str | None = extract_iam_action(*arguments, **named)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


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


if __name__ == "__main__":
    importlib.import_module("ministack.core.lambda_runtime").get_or_create_worker = CallLikeAnyOther  # type: ignore[attr-defined]
    importlib.import_module("ministack.services.lambda_svc").invalidate_worker = invalidate_broken_worker  # type: ignore[attr-defined]
    actions.extract_iam_action = extract_real_action
    importlib.import_module("ministack.app").main()
