"""Page object of the studio: the elements of the page and the user's actions."""

from collections.abc import Iterable
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from playwright.sync_api import Locator, Page, expect

from tests.builders import a_job
from tests.stack.client import User
from videojobs.adapters.mongo.documents import to_document
from videojobs.domain.job import JobStatus, Lease

SHAPES = {"16:9": "Wide 16:9", "4:3": "Classic 4:3", "1:1": "Square 1:1", "9:16": "Tall 9:16"}
SOON = 180_000
"""Timeout in milliseconds of everything that renders a short video, also on a busy machine."""


class Studio:
    """The studio in one browser tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.prompt = page.get_by_role("textbox", name="What do you want to see?")
        self.make = page.get_by_role("button", name="Make the video")
        self.cards = page.get_by_role("article")
        self.mode = page.locator("#mode")
        self.banner = page.locator("#banner")
        self.news = page.locator("#news")

    def submit(self, prompt: str, *, style: str = "Calm", shape: str = "16:9", seconds: float = 1) -> Locator:
        """Fill in and submit the form. Return the new card."""
        self.prompt.fill(prompt)
        self.page.get_by_label(style, exact=True).check()
        self.page.get_by_label(SHAPES[shape], exact=True).check()
        self.page.locator("#duration").fill(str(seconds))
        self.make.click()
        expect(self.card(prompt)).to_be_visible()
        return self.card(prompt)

    def card(self, prompt: str) -> Locator:
        """Return the card of the job with this prompt."""
        return self.page.get_by_role("article", name=prompt, exact=True)

    def wait_until_live(self) -> None:
        """Wait until live updates are connected."""
        expect(self.mode).to_have_text("Live", timeout=SOON)

    def show(self, status: str) -> None:
        """Select a status in the filter."""
        self.page.locator("#filter").get_by_label(status, exact=True).check()

    def delete(self, card: Locator) -> None:
        """Delete a job and confirm the dialog."""
        card.get_by_role("button", name="Delete").click()
        self.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    def is_wider_than_the_screen(self) -> bool:
        """Return True if the page scrolls horizontally."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def expect_status(card: Locator, status: str) -> None:
    """Wait until the card shows a status."""
    expect(card).to_have_attribute("data-status", status, timeout=SOON)


def put_jobs(user: User, changes: Iterable[dict[str, Any]]) -> list[str]:
    """Store jobs in MongoDB, each a minute older than the one before. Return their IDs.

    Each job is failed unless `changes` sets another status. Live jobs have a lease, so that no worker touches them.
    """
    now, documents = datetime.now(UTC), []
    for minutes, fields in enumerate(changes, start=1):
        at = now - timedelta(minutes=minutes)
        job = a_job(id=str(ObjectId()), user_id=user.id, created_at=at, updated_at=at, outbox=())
        job = replace(job, **({"status": JobStatus.FAILED} | fields))
        if job.status is JobStatus.FAILED and job.error_message is None:
            job = replace(job, error_message="The provider refused the prompt.")
        lease = Lease("another-worker", now + timedelta(hours=1)) if job.is_live else None
        documents.append(to_document(replace(job, next=job.next if job.is_live else None, lease=lease)))
    with pymongo.MongoClient[dict[str, Any]](user.stack.mongo_uri) as client:
        client.get_default_database()["videojobs"].insert_many(documents)
    return [str(document["_id"]) for document in documents]
