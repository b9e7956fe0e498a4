"""Who may do what: for each operation of docs/openapi.json, what every kind of caller is answered.

`python -m tests.access > docs/access-matrix.md` writes the table; `tests/stack/test_other_users.py` asks the deployed
system for every cell of it. An operation without a rule here fails both.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
MATRIX = DOCUMENT.with_name("access-matrix.md")


class Caller(StrEnum):
    """Who asks."""

    OWNER = "its owner"
    STRANGER = "another user"
    IMPOSTOR = "another user who claims to be the owner"
    NOBODY = "nobody"
    EXPIRED = "an owner whose session is over"


class Thing(StrEnum):
    """What is asked for."""

    LIVE = "a live job"
    COMPLETED = "a completed job"
    CANCELLED = "a cancelled job"
    BATCH = "a batch"
    OWN = "one's own"
    TASK = "a provider's task"


JOBS = (Thing.LIVE, Thing.COMPLETED, Thing.CANCELLED)
NO_SESSION = {Caller.NOBODY: 401, Caller.EXPIRED: 401}
A_JOB = {"prompt": "A kite", "style": "background", "duration": 1, "aspectRatio": "1:1"}


@dataclass(frozen=True)
class Rule:
    """How an operation is answered: to owners by what is asked for, and to another user.

    An impostor sends the owner's id along wherever there is room: as a parameter, a header and a field of the body.
    """

    owner: Mapping[Thing, int]
    stranger: int
    impostor: int
    body: Mapping[str, object] | None = None
    query: str = ""
    others: Mapping[Caller, int] = field(default_factory=lambda: NO_SESSION)


FORBIDDEN, NO_SUCH_FIELD = 403, 400
_UNSIGNED = dict.fromkeys(Caller, 401)

RULES: Mapping[str, Rule] = {
    "generateVideo": Rule({Thing.OWN: 201}, 201, NO_SUCH_FIELD, A_JOB),
    "generateBatch": Rule({Thing.OWN: 201}, 201, NO_SUCH_FIELD, {"items": [A_JOB]}),
    "listVideos": Rule({Thing.OWN: 200, Thing.BATCH: 200}, 200, NO_SUCH_FIELD, query="?batchId={batchId}"),
    "getVideo": Rule({Thing.LIVE: 200, Thing.COMPLETED: 200, Thing.CANCELLED: 200}, FORBIDDEN, FORBIDDEN),
    "cancelVideo": Rule({Thing.LIVE: 200, Thing.COMPLETED: 409, Thing.CANCELLED: 200}, FORBIDDEN, NO_SUCH_FIELD),
    "retryVideo": Rule({Thing.LIVE: 409, Thing.COMPLETED: 409, Thing.CANCELLED: 200}, FORBIDDEN, NO_SUCH_FIELD),
    "deleteVideo": Rule({Thing.LIVE: 409, Thing.COMPLETED: 204, Thing.CANCELLED: 204}, FORBIDDEN, NO_SUCH_FIELD),
    "getContent": Rule({Thing.LIVE: 409, Thing.COMPLETED: 302, Thing.CANCELLED: 409}, FORBIDDEN, NO_SUCH_FIELD),
    "countBatch": Rule({Thing.BATCH: 200}, FORBIDDEN, FORBIDDEN),
    "eraseVideos": Rule({Thing.OWN: 204}, 204, NO_SUCH_FIELD),
    "makeTicket": Rule({Thing.OWN: 201}, 201, NO_SUCH_FIELD),
    "noteCallback": Rule({Thing.TASK: 401}, 401, 401, {}, "?job={jobId}", _UNSIGNED),
}


class Cell(NamedTuple):
    """One call of the matrix, and how it is to be answered."""

    operation: str
    method: str
    path: str
    thing: Thing
    caller: Caller
    status: int


def operations() -> Iterator[tuple[str, str, str]]:
    """The id, the method and the path of each operation in the API's document."""
    for path, methods in json.loads(DOCUMENT.read_text())["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method.upper(), path


def cells() -> Iterator[Cell]:
    """The whole matrix.

    Raises:
        KeyError: an operation has no rule: say who may call it.
    """
    for operation, method, path in operations():
        rule = RULES[operation]
        for thing, status in rule.owner.items():
            expected = {
                Caller.OWNER: status,
                Caller.STRANGER: rule.stranger,
                Caller.IMPOSTOR: rule.impostor,
                **rule.others,
            }
            yield from (Cell(operation, method, path, thing, caller, expected[caller]) for caller in Caller)


def render() -> str:
    """The matrix as a page."""
    lines = [
        "# Who may do what",
        "",
        "Every operation of [the API](openapi.json), and what each kind of caller is answered. Made by",
        "`python -m tests.access`; `tests/stack/test_other_users.py` asks the deployed system for each cell, with jobs",
        "that are really live, completed and cancelled. An operation without a rule fails the tests.",
        "",
        f"| operation | of | {' | '.join(Caller)} |",
        f"|---|---|{'---|' * len(Caller)}",
    ]
    rows: dict[tuple[str, str, str, Thing], list[int]] = {}
    for cell in cells():
        rows.setdefault((cell.operation, cell.method, cell.path, cell.thing), []).append(cell.status)
    for (_, method, path, thing), statuses in rows.items():
        lines.append(f"| `{method} {path}` | {thing} | {' | '.join(map(str, statuses))} |")
    lines += [
        "",
        "- **Another user** asks for the owner's: 403, in the same words whatever it is, and nothing of it changes.",
        "  What names nobody's (to list, to remove everything, to ask for a video or a ticket) is done with the",
        "  caller's own; another's batch lists as empty, and an idempotency key of another's is no repeat.",
        "- **Who claims to be the owner** adds the owner's id as `?userId=`, as the header `X-User-Id` and as a field",
        "  of the body: 400 where such a field or parameter is refused, else as if it were not there. Who asks is said",
        "  by the session alone.",
        "- **A provider's callback** has no session by design: its signature admits it, and none of these has one.",
        "  It is a hint to ask the provider; its answer tells nothing of jobs.",
        "",
        "Live updates: a subscription to another's job is answered with `FORBIDDEN`, and nothing of another's job is",
        "ever pushed. A ticket opens one connection, of whoever asked for it; its second use is refused.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render(), end="")  # noqa: T201 - it is what the command is for
