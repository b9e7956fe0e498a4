"""Starts MiniStack with its mistakes mended that can't be worked around from outside; runs in the servers' environment.

SQS: AWS asks for `sqs:SendMessage` when a batch is sent (there is no action `sqs:SendMessageBatch`), and the same for
the other batches; MiniStack asks for the batch's own name and so refuses what AWS allows.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

import importlib
from typing import Any

actions: Any = importlib.import_module("ministack.core.iam_actions")
extract_iam_action = actions.extract_iam_action


def extract_real_action(*arguments: Any, **named: Any) -> str | None:
    """The action that a call needs, as IAM names it."""
    action: str | None = extract_iam_action(*arguments, **named)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


if __name__ == "__main__":
    actions.extract_iam_action = extract_real_action
    importlib.import_module("ministack.app").main()
