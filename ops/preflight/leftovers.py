"""Checks for what an earlier or failed deployment left behind."""

from collections.abc import Sequence
from functools import partial

from ops.preflight.findings import Check, Finding, failed, passed
from ops.preflight.target import Target

_UNUSABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""States in which CloudFormation only deletes a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""


def list_checks(target: Target) -> Sequence[Check]:
    """Return the checks of the stack, and of log groups and buckets with its names."""
    return (
        Check("stack", partial(_check_stack, target)),
        Check("log groups", partial(_check_log_groups, target)),
        Check("buckets", partial(_check_buckets, target)),
    )


def _check_stack(target: Target) -> Finding:
    if target.stack is None:
        return passed(f"{target.stack_name} does not exist yet")
    status = target.stack["StackStatus"]
    text = f"{target.stack_name} is {status}"
    if status in _UNUSABLE:
        return failed(text, f"Delete it: sam delete --config-env {target.environment} (docs/guides/tear-down.md)")
    if status == "UPDATE_ROLLBACK_FAILED":
        return failed(text, "Continue the rollback (docs/guides/rollback.md)")
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return failed(text, "Wait until it has ended")
    return passed(text)


def _has_resources(target: Target) -> bool:
    return target.stack is not None and target.stack["StackStatus"] not in {*_UNUSABLE, "REVIEW_IN_PROGRESS"}


def _check_log_groups(target: Target) -> Finding:
    """Fail if log groups with the names of the new stack exist, because their creation fails then."""
    if _has_resources(target):
        return passed("belong to the stack")
    prefix = f"/videojobs/{target.stack_name}/"
    groups = target.aws.call("logs:DescribeLogGroups", logGroupNamePrefix=prefix)["logGroups"]
    if groups:
        names = ", ".join(group["logGroupName"].removeprefix(prefix) for group in groups)
        return failed(f"{prefix} already has {names}", "Delete these log groups; the stack creates them")
    return passed(f"none below {prefix}")


def _check_buckets(target: Target) -> Finding:
    """Report buckets of an earlier stack. They prevent no deployment, because names of buckets have a random end."""
    if _has_resources(target):
        return passed("belong to the stack")
    resources = target.template["Resources"].items()
    prefixes = tuple(
        f"{target.stack_name}-{name}-".lower() for name, it in resources if it.get("Type") == "AWS::S3::Bucket"
    )
    buckets = target.aws.call("s3:ListAllMyBuckets", Prefix=f"{target.stack_name}-".lower())["Buckets"]
    left = [bucket["Name"] for bucket in buckets if bucket["Name"].startswith(prefixes)]
    if left:
        return passed(f"an earlier stack left {', '.join(left)}", "Delete them if their videos are not needed")
    return passed("none of an earlier stack")
