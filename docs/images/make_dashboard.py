"""Make the picture of the CloudWatch dashboard: its definition from template.yaml, values from a run of the system.

    make dashboard-picture

Brings a system of its own up (the caller ends it), has it make videos for some minutes, some of which fail, and writes
`dashboard.webp` beside itself.
"""  # noqa: INP001 - a script, not a package

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymongo
from draw_dashboard import BUCKET, Picture

from localcloud.api_client import ApiClient
from localcloud.config import CloudConfig
from localcloud.errors import LocalCloudError
from localcloud.measures import API, Measures, Metric, Sample, at_once, read_logs, read_look
from localcloud.progress import errors
from localcloud.stack import Stack
from localcloud.system import bring_up
from localcloud.template import read_dashboard, read_template
from localcloud.watch import take_look
from tests.providers.counterparts.openai_compatible import OpenaiCompatibleCounterpart
from tests.providers.counterparts.server import Reply
from tests.providers.video import make_video

SECONDS = 330
SETTLE_SECONDS = 65
"""Until the last videos are made and the reconciler has looked once more."""
PARAMETERS = {
    "AllowedProviders": "sketch,simulated,openai_compatible",
    "SimulatedFailureRate": "0.3",
    "MaximumAttempts": "1",
    "GenerateCallsPerMinute": "1000",
}
PRICED = {"sizes": ["1280x720"], "seconds": [8], "pricePerSecondUsd": 0.1, "pricesAsOf": "2026-11-01"}
EACH, BURST_AT, BURST = 6, 180, 14
"""A job every so many seconds, and at one time so many at once."""
DOWN = range(210, 270)
"""The seconds in which the AI provider refuses all that it is asked for."""
PROVIDERS = ("sketch", "simulated", "openai_compatible", "sketch")
PROMPTS = ["A paper boat after the rain", "Lavender in the wind", "Deep space", "A lighthouse hums to the moon"]
SYNCHRONOUS = ("Generate", "Status", "Jobs")


def main() -> None:
    """Run, measure, draw."""
    with closing(OpenaiCompatibleCounterpart(make_video(1280, 720, 8))) as ai:
        served = {"baseUrl": f"{ai.url}/v1", "model": "sora-2", "resultHosts": "127.0.0.1"}
        options = {"ProviderOptions": json.dumps({"openai_compatible": served | PRICED})}
        config = replace(
            CloudConfig.from_environment(),
            parameters=PARAMETERS | options,
            provider_keys=json.dumps({"openai_compatible": {"key": "a-key"}}),
        )
        stack = bring_up(config)
        since = time.time()
        seen, jobs = spend_a_while(config, stack, ai)
    logged = list(read_logs(config, stack, since))
    measures = Measures([*seen, *logged, *at_once(logged), *integration_latency(logged)])
    template = config.root / "template.yaml"
    words = (
        f"Drawn from template.yaml by `make dashboard-picture`: {jobs} jobs in {SECONDS / 60:g} minutes.\n"
        "The provider “simulated” is made to fail now and then, a stand-in for an AI provider is down for a minute. "
        f"A point is {BUCKET} seconds here. “not measured here”: the local AWS leaves no trace of it."
    )
    picture = Picture(measures, since, time.time(), read_template(template)["Resources"])
    picture.save(read_dashboard(template), words, Path(__file__).with_name("dashboard.webp"))


def spend_a_while(config: CloudConfig, stack: Stack, ai: OpenaiCompatibleCounterpart) -> tuple[list[Sample], int]:
    """Users ask and look, some in error. What a client and looks at the queues see of it; how many jobs there were."""
    client, seen, jobs = ApiClient(stack), list[Sample](), list[str]()
    latency = Metric.of("AWS/ApiGateway", "Latency", API)
    begun = time.monotonic()
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as mongo:
        for tick in itertools.count():
            elapsed = time.monotonic() - begun
            if elapsed > SECONDS + SETTLE_SECONDS:
                break
            ai.instead = Reply(503, {"error": {"code": "server_error"}}) if int(elapsed) in DOWN else None
            for method, what in [] if elapsed > SECONDS else [*posts(tick), *reads(tick, jobs)]:
                at = time.time()
                answer = call(client, method, what)
                seen.append(Sample(latency, at, (time.time() - at) * 1000))
                if method == "POST" and answer:
                    jobs.append(answer)
            seen += read_look(take_look(config, stack, mongo.get_default_database()))
            if tick % 60 == 0:
                errors.print(f"{elapsed:.0f} s, {len(jobs)} jobs")
            time.sleep(1)
    return seen, len(jobs)


def posts(tick: int) -> Iterator[tuple[str, Any]]:
    """A wish every few seconds, many at once at one time, a wrong one now and then."""
    number = BURST if tick == BURST_AT else int(tick % EACH == 0)
    for each in range(number):
        wish = {"prompt": PROMPTS[tick % 4], "style": "fun", "duration": 2 + tick % 4, "aspectRatio": "16:9"}
        yield "POST", wish | {"provider": PROVIDERS[(tick // EACH + each) % len(PROVIDERS)]}
    if tick % 30 == 7:
        yield "POST", {"prompt": "", "style": "loud"}


def reads(tick: int, jobs: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The newest jobs, and one that is not there."""
    yield from (("GET", job) for job in jobs[-3:])
    if tick % 20 == 11:
        yield "GET", "0" * 24


def call(client: ApiClient, method: str, what: Any) -> str | None:
    """The id of a job that was accepted or read; None where it was refused."""
    try:
        return client.submit_job(what) if method == "POST" else str(client.read_job(what)["jobId"])
    except LocalCloudError:
        return None


def integration_latency(samples: Sequence[Sample]) -> Iterator[Sample]:
    """API Gateway's, from the durations of the functions that it waits for."""
    names = {frozenset({("FunctionName", f"${{{name}Function}}")}) for name in SYNCHRONOUS}
    for each in samples:
        if each.metric.name == "Duration" and each.metric.dimensions in names:
            yield Sample(Metric.of("AWS/ApiGateway", "IntegrationLatency", API), each.at, each.value)


if __name__ == "__main__":
    main()
