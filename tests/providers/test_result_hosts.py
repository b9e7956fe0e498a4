"""Result hosts that an operator allows: validated, without a key, and used for results that were refused before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_new_job
from tests.providers.adapters import counterpart_of
from tests.providers.counterparts.server import Counterpart, Exchange, LocalServer, Reply
from tests.providers.lifecycle import fetched, polled_until_done, submitted
from tests.system import InMemorySystem
from videojobs.domain.job import JobStatus
from videojobs.domain.refused_result import refused_link
from videojobs.services.fetch_result import fetch_result
from videojobs_providers.openai_compatible import OpenaiCompatibleProvider
from videojobs_providers.replicate import ReplicateProvider
from videojobs_providers.rest.added_hosts import read_added_hosts
from videojobs_providers.rest.provider import RestVideoProvider
from videojobs_providers.rest.result_host import is_allowed
from videojobs_providers.rest.setup import ProviderSetup
from videojobs_providers.veo import VeoProvider


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [
        ("cdn.example.com", "https://cdn.example.com/a/b.mp4", "https://evil.cdn.example.com/a/b.mp4"),
        (".example.com", "https://cdn.example.com/b.mp4", "https://example.com/b.mp4"),
        (".example.com", "https://cdn.example.com/b.mp4", "https://evilexample.com/b.mp4"),
        ("a.example.com, b.example.com", "https://b.example.com/c.mp4", "https://c.example.com/c.mp4"),
        ("cdn.example.com", "https://cdn.example.com/b.mp4", "http://cdn.example.com/b.mp4"),
        ("storage.googleapis.com/ours", "https://storage.googleapis.com/ours/a.mp4", "https://storage.googleapis.com/x"),
        ("storage.googleapis.com/ours/", "https://storage.googleapis.com/ours/a", "https://storage.googleapis.com/ours2/a"),
        ("s3.eu-west-1.amazonaws.com/ours/a", "https://s3.eu-west-1.amazonaws.com/ours/a/b", "https://ours.s3.amazonaws.com/a/b"),
        ("ours.s3.amazonaws.com", "https://ours.s3.amazonaws.com/b.mp4", "https://other.s3.amazonaws.com/b.mp4"),
        ("d1.cloudfront.net", "https://d1.cloudfront.net/b.mp4", "https://d2.cloudfront.net/b.mp4"),
    ],
)  # fmt: skip
def test_an_added_host_allows_itself_only(text: str, allowed: str, refused: str) -> None:
    hosts = read_added_hosts(text)
    assert (is_allowed(allowed, hosts), is_allowed(refused, hosts)) == (True, False)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("https://cdn.example.com", "without https://"),
        ("http://cdn.example.com", "without https://"),
        ("cdn.example.com:8443", "Use host names"),
        ("user@cdn.example.com", "Use host names"),
        ("*.example.com", "without wildcards"),
        ("*", "without wildcards"),
        ("CDN.example.com", "in lower case"),
        ("localhost", "Use host names"),
        ("cdn.example.com,", "Use host names"),
        ("cdn.example.com/a?b", "Use host names"),
        ("cdn.example.com/../b", "Use host names"),
        ("cdn.example.com/a//b", "Use host names"),
        (".com", "Use host names"),
        (".amazonaws.com", "Use the full host name"),
        (".s3.amazonaws.com", "Use the full host name"),
        (".amazonaws.com/bucket", "Use the full host name"),
        (".cloudfront.net", "Use the full host name"),
        (".r2.cloudflarestorage.com", "Use the full host name"),
        (".googleapis.com", "Use the full host name"),
        (".core.windows.net", "Use the full host name"),
        ("storage.googleapis.com", "Add the bucket: storage.googleapis.com/bucket"),
        ("storage.cloud.google.com/", "Add the bucket"),
        ("s3.amazonaws.com", "Add the bucket"),
        ("s3-us-west-2.amazonaws.com", "Add the bucket"),
        ("s3.dualstack.us-east-1.amazonaws.com", "Add the bucket"),
    ],
)
def test_an_entry_that_allows_other_customers_or_is_malformed_is_rejected(entry: str, problem: str) -> None:
    with pytest.raises(ValueError, match="ProviderOptions: resultHosts has the entry") as refused:
        read_added_hosts(entry)
    assert problem in str(refused.value).replace("and without", "without")


def no_key(*, refresh: bool = False) -> Mapping[str, Any]:
    """Raise an error: the key is not needed."""
    raise AssertionError("the key is read")


OPENAI = {"baseUrl": "https://ai.example.com/v1", "model": "sora-2"}
VEO = {"project": "a-project", "outputUri": "gs://ours/videos"}


@pytest.mark.parametrize(
    ("make", "options", "link"),
    [
        (OpenaiCompatibleProvider, OPENAI, "https://cdn.example.com/a.mp4"),
        (ReplicateProvider, {}, "https://cdn.example.com/a.mp4"),
        (VeoProvider, VEO, "https://cdn.example.com/a.mp4"),
    ],
)
def test_the_check_of_a_link_follows_the_options_and_needs_no_key(
    make: type[RestVideoProvider], options: dict[str, str], link: str
) -> None:
    def allows_result(**added: str) -> bool:
        return make(ProviderSetup(no_key, {**options, **added})).allows_result(link)

    assert (allows_result(), allows_result(resultHosts="cdn.example.com")) == (False, True)


def test_veo_allows_the_bucket_of_its_option_only() -> None:
    veo = VeoProvider(ProviderSetup(no_key, VEO))
    assert [veo.allows_result(link) for link in ("gs://ours/a.mp4", "gs://ours2/a.mp4", "gs://ours")] == [
        True,
        False,
        False,
    ]


class Store(LocalServer):
    """Server of a file at another port, which records the received keys."""

    def __init__(self) -> None:
        """Start the server."""
        self.keys: list[str] = []
        super().__init__()

    def answer(self, exchange: Exchange) -> None:
        """Send the file."""
        self.keys.append(exchange.headers.get("authorization", ""))
        exchange.send(Reply(200, b"a video"))


def test_the_key_of_replicate_is_not_sent_to_an_added_host(tmp_path: Path) -> None:
    counterpart, store = counterpart_of("replicate")(), Store()
    try:
        for base_url, keys in (
            (counterpart.url, ["Bearer a-key"]),
            (counterpart.url.replace("127.0.0.1", "localhost"), [""]),
        ):
            provider = counterpart.provider(base_url)
            ref, _ = submitted(provider, counterpart)
            assert polled_until_done(provider, ref)
            counterpart.public_url, api = store.url, counterpart.public_url
            assert fetched(provider, ref, tmp_path) == b"a video"
            counterpart.public_url = api
            assert store.keys == keys
            store.keys.clear()
    finally:
        counterpart.close()
        store.close()


@pytest.mark.parametrize("name", ["fal", "runway", "luma"])
def test_a_refused_result_is_fetched_after_its_host_was_allowed(name: str) -> None:
    counterpart: Counterpart = counterpart_of(name)()
    try:
        clip = counterpart.request.clip
        assert clip is not None
        before = counterpart.provider(counterpart.url, resultHosts="cdn.example.com")
        after = counterpart.provider(counterpart.url)
        system = InMemorySystem(provider=before)
        job = system.submit(a_new_job(duration=clip.seconds))
        system.run()
        failed = system.jobs.get(job.id)
        link = refused_link(failed)
        assert link is not None
        assert (failed.status, before.allows_result(link), after.allows_result(link)) == (JobStatus.FAILED, False, True)
        system.provider = after
        fetch_result(
            job.id, dispatcher=system.dispatcher, allows_result=lambda _, url: after.allows_result(url), by="us"
        )
        system.run()
        assert (system.jobs.get(job.id).status, len(counterpart.tasks)) == (JobStatus.COMPLETED, 1)
    finally:
        counterpart.close()
