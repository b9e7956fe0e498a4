"""Queries of the runbook return the right values for stored jobs."""

import json
import re
from copy import replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.builders import A_USER, a_job, an_id
from tests.docs.markdown import ROOT, read_page
from videojobs.adapters.mongo.connection import MongoConnection
from videojobs.adapters.mongo.jobs import MongoJobRepository
from videojobs.domain.job import UserId
from videojobs.domain.plan import Clip, Plan
from videojobs.domain.production import Production


def test_cost_by_user_is_the_reported_cost_or_the_estimate(connection: MongoConnection) -> None:
    other = UserId(an_id())
    plan = Plan((Clip(1280, 720, 5, Decimal("0.30")),) * 2, (1280, 720), 1280, 720, 240)
    free = replace(plan, clips=(Clip(1280, 720, 8),))
    now = datetime.now(UTC)
    for user, production in (
        (A_USER, Production("luma", plan)),
        (A_USER, Production("runway", plan, actual_usd=Decimal("0.96"))),
        (other, Production("fal", free)),
        (other, None),
    ):
        MongoJobRepository(connection).add(a_job(user_id=user, created_at=now, production=production))
    pipeline = read_pipeline("userId")
    rows = connection.run(lambda database: list(database["videojobs"].aggregate(pipeline)))
    assert [(row["jobs"], Decimal(str(row["usd"]))) for row in rows] == [(2, Decimal("1.56")), (2, Decimal(0))]


def read_pipeline(part: str) -> list[dict[str, object]]:
    """Return the pipeline of the runbook that contains `part`, with a time before the tests' jobs."""
    [query] = [
        fence.text for fence in read_page(ROOT / "docs/operations/runbook.md").fences("js") if part in fence.text
    ]
    text = query.strip().removeprefix("db.videojobs.aggregate(").removesuffix(")")
    text = re.sub(r"([{,]\s*)(\$?\w+):", r'\1"\2":', text.replace("new Date(Date.now() - 864e5)", "0"))
    match, *stages = json.loads(text)
    return [
        {"$match": {"createdAt": {"$gt": datetime.fromtimestamp(match["$match"]["createdAt"]["$gt"], UTC)}}},
        *stages,
    ]
