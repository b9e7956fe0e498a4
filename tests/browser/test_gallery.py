"""The list: steering jobs, paging, the filter, and what one takes along."""

import re
import urllib.request
from collections.abc import Callable

import pymongo
import pytest
from bson import ObjectId
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.studio import Studio, expect_status, put_jobs
from tests.stack.client import User
from videojobs.domain.job import JobStatus


def test_a_job_is_cancelled_and_may_be_tried_again(studio: Studio) -> None:
    studio.wait_until_live()
    card = studio.ask("A slow tram", seconds=60)
    card.get_by_role("button", name="Cancel").click()
    expect_status(card, "cancelled")
    card.get_by_role("button", name="Try again").click()
    expect(card).to_have_attribute("data-status", re.compile("queued|processing"))


def test_what_failed_is_tried_again_and_ends_well(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Better luck", "duration": 1}])
    page.goto("/")
    card = Studio(page).card("Better luck")
    card.get_by_role("button", name="Try again").click()
    expect_status(card, "completed")


def test_a_failure_is_told_in_words(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Something forbidden"}])
    page.goto("/")
    card = Studio(page).card("Something forbidden")
    expect(card).to_contain_text("Failed")
    expect(card).to_contain_text("The provider refused the prompt.")
    expect(card.get_by_role("button", name="Try again")).to_be_visible()


def test_a_video_is_deleted_by_whoever_is_sure(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "One"}, {"prompt": "Two"}])
    page.goto("/")
    studio = Studio(page)
    studio.card("One").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("One")
    page.get_by_role("button", name="Keep it").click()
    expect(studio.card("One").get_by_role("button", name="Delete")).to_be_focused()
    studio.delete(studio.card("One"))
    expect(studio.card("One")).to_have_count(0)
    expect(studio.card("Two").get_by_role("button", name="Try again")).to_be_focused()
    studio.delete(studio.card("Two"))
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert user.call("GET", "/api/videos").data["items"] == []


@pytest.mark.complains("409")
def test_a_cancellation_that_comes_too_late_says_how_it_ended(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [{"prompt": "Too late", "status": JobStatus.PROCESSING}])
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    card = studio.card("Too late")

    def end_the_job_first(route: Route) -> None:
        with pymongo.MongoClient[dict[str, object]](user.stack.mongo_uri) as client:
            ended = {"$set": {"status": "failed", "errorMessage": "It took too long.", "version": 9}}
            ended |= {"$unset": {"next": "", "lease": ""}}
            client.get_default_database()["videojobs"].update_one({"_id": ObjectId(job_id)}, ended)
        route.continue_()

    page.route("**/cancel", end_the_job_first)  # earlier, the page could learn of the end before the click
    card.get_by_role("button", name="Cancel").click()
    expect_status(card, "failed")
    expect(card).to_contain_text("It took too long.")


def test_two_hundred_jobs_are_paged_through_to_the_last(page: Page, user: User) -> None:
    put_jobs(user, ({"prompt": f"Video {number}"} for number in range(200)))
    page.goto("/")
    studio, more = Studio(page), page.get_by_role("button", name="Show more")
    expect(studio.cards).to_have_count(24)
    for count in (48, 72, 96, 120, 144, 168, 192, 200):
        more.click()
        expect(studio.cards).to_have_count(count)
    expect(more).to_be_hidden()
    shown = page.eval_on_selector_all(".card .prompt", "prompts => prompts.map((each) => each.textContent)")
    assert shown == [f"Video {number}" for number in range(200)]
    expect(studio.card("Video 192").get_by_role("button", name="Try again")).to_be_focused()


def test_a_new_job_comes_first_however_far_one_has_paged(page: Page, user: User) -> None:
    put_jobs(user, ({"prompt": f"Video {number}"} for number in range(30)))
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    expect(studio.cards).to_have_count(24)  # what the connection tells of older ones is not put among them
    studio.ask("The newest")
    assert page.locator(".card .prompt").first.text_content() == "The newest"
    page.get_by_role("button", name="Show more").click()
    expect(studio.cards).to_have_count(31)


def test_the_filter_shows_one_status_and_survives_a_reload(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}, {"prompt": "Stopped", "status": JobStatus.CANCELLED}])
    page.goto("/")
    studio = Studio(page)
    expect(studio.cards).to_have_count(2)
    studio.show("Failed")
    expect(studio.cards).to_have_count(1)
    expect(studio.card("Bad")).to_be_visible()
    page.reload()
    expect(studio.cards).to_have_count(1)
    studio.show("Queued")
    expect(page.get_by_text("No video of yours is queued now.")).to_be_visible()
    studio.show("All")
    expect(studio.cards).to_have_count(2)


def test_a_job_of_ones_own_is_shown_whatever_the_filter(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}])
    page.goto("/?status=failed")
    studio = Studio(page)
    studio.ask("New")
    expect(page.locator("#filter").get_by_label("All")).to_be_checked()
    expect(studio.cards).to_have_count(2)


@pytest.mark.complains("ERR_FAILED")
def test_a_list_that_cannot_be_loaded_says_so(page: Page) -> None:
    page.route("**/api/videos?**", lambda route: route.abort())
    page.goto("/")
    expect(page.get_by_role("alert").filter(has_text="can’t be reached")).to_be_visible()


def test_a_video_is_saved_under_a_good_name(studio: Studio) -> None:
    studio.wait_until_live()
    card = studio.ask("A kite, over the sea!")
    expect_status(card, "completed")
    with studio.page.expect_download() as saved:
        card.get_by_role("link", name="Download").click()
    assert saved.value.suggested_filename.endswith(".mp4")
    assert "kite" in saved.value.suggested_filename
    assert saved.value.path().read_bytes()[4:8] == b"ftyp"


def test_a_link_is_copied_that_works_for_whoever_has_it(
    open_context: Callable[..., BrowserContext], user: User
) -> None:
    page = open_context(user, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    card = studio.ask("A shared thing")
    expect_status(card, "completed")
    card.get_by_role("button", name="Copy link").click()
    expect(studio.banner).to_contain_text("Link copied. Anyone who has it can play the video for")
    with urllib.request.urlopen(page.evaluate("navigator.clipboard.readText()")) as answer:
        assert answer.headers["Content-Type"] == "video/mp4"
