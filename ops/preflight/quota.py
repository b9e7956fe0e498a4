"""Check of Lambda's concurrency quota against the concurrency of the queues."""

from collections.abc import Sequence
from functools import partial

from ops.preflight.findings import Check, Finding, failed, passed
from ops.preflight.target import Target


def list_checks(target: Target) -> Sequence[Check]:
    """Return the check of the concurrency quota."""
    return (Check("Lambda concurrency", partial(_check_quota, target)),)


def _check_quota(target: Target) -> Finding:
    """Fail if worker and render alone can use all executions, which leaves none for the API.

    The template reserves no concurrency, so the functions share what other functions of the account do not reserve.
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    """
    limit = target.aws.call("lambda:GetAccountSettings")["AccountLimit"]
    quota, available = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    worker, render = (int(target.parameters[f"{name}Concurrency"]) for name in ("Worker", "Render"))
    others = sum(int(number) for number in target.template["Mappings"]["Release"]["Concurrency"].values())
    text = f"quota {quota}, of which {quota - available} are reserved; worker {worker} and render {render}"
    advice = "Ask for 1,000 (Service Quotas, L-B99A9384)"
    if worker + render >= available:
        return failed(text, f"{advice}, or lower WorkerConcurrency and RenderConcurrency")
    all_queues = worker + render + others
    return passed(text, f"All queues together can use {all_queues}. {advice}." if all_queues >= available else "")
