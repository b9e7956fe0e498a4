"""Differences between the deployed resources and the template, by CloudFormation's drift detection."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.stack.client import eventually
from tests.stack.deployed import Deployed

DRIFT = "drift"
"""Name of the property of a test report that contains a line of the report on drift."""
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Drift:
    """Result of one drift detection."""

    status: str
    """`DETECTION_COMPLETE`, or `DETECTION_FAILED` if at least one resource could not be read."""
    reason: str
    """The reason of a failure, or an empty string."""
    differences: Mapping[str, list[str]]
    """Paths of the changed properties by logical ID. A deleted resource has the path `deleted`."""

    def lines(self) -> list[str]:
        """Return the lines of the report."""
        changed = [f"{name}: {', '.join(paths)}" for name, paths in sorted(self.differences.items())]
        incomplete = [f"not complete: {self.reason}"] if self.status == "DETECTION_FAILED" else []
        return incomplete + (changed or ["no difference found"])


def detect_drift(deployed: Deployed) -> Drift:
    """Run drift detection on the stack, without its nested stack. It changes no resource.

    Raises:
        AssertionError: If the detection takes longer than ten minutes.
    """
    cloudformation = deployed.client("cloudformation")
    detection_id = cloudformation.detect_stack_drift(StackName=deployed.stack_name)["StackDriftDetectionId"]

    def finished() -> dict[str, str]:
        detection = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection_id)
        return {} if detection["DetectionStatus"] == "DETECTION_IN_PROGRESS" else dict(detection)

    detection = eventually(finished, "drift detection is not finished", seconds=_SECONDS)
    pages = cloudformation.describe_stack_resource_drifts(
        StackName=deployed.stack_name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
    )
    differences = {
        it["LogicalResourceId"]: [difference["PropertyPath"] for difference in it.get("PropertyDifferences", [])]
        or [it["StackResourceDriftStatus"].lower()]
        for it in pages["StackResourceDrifts"]
    }
    return Drift(detection["DetectionStatus"], detection.get("DetectionStatusReason", ""), differences)
