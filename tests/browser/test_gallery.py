"""The gallery: cancel, retry, delete, paging, filter, downloads and links."""

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


def test_job_can_be_cancelled_and_retried(studio: Studio) -> None:
    studio.wait_until_live()
    card = studio.submit("A slow tram", seconds=60)
    card.get_by_role("button", name="Cancel").click()
    expect_status(card, "cancelled")
    card.get_by_role("button", name="Try again", exact=True).click()
    expect(card).to_have_attribute("data-status", re.compile("queued|processing"))


def test_failed_job_can_be_retried_and_completes(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Better luck", "duration": 1}])
    page.goto("/")
    card = Studio(page).card("Better luck")
    card.get_by_role("button", name="Try again", exact=True).click()
    expect_status(card, "completed")


def test_failed_job_shows_its_error_message(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Something forbidden"}])
    page.goto("/")
    card = Studio(page).card("Something forbidden")
    expect(card).to_contain_text("Failed")
    expect(card).to_contain_text("The provider refused the prompt.")
    expect(card.get_by_role("button", name="Try again", exact=True)).to_be_visible()


def test_video_is_deleted_only_after_confirmation(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "One"}, {"prompt": "Two"}])
    page.goto("/")
    studio = Studio(page)
    studio.card("One").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("One")
    page.get_by_role("button", name="Keep it").click()
    expect(studio.card("One").get_by_role("button", name="Delete")).to_be_focused()
    studio.delete(studio.card("One"))
    expect(studio.card("One")).to_have_count(0)
    expect(studio.card("Two").get_by_role("button", name="Try again", exact=True)).to_be_focused()
    studio.delete(studio.card("Two"))
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert user.call("GET", "/api/videos").data["items"] == []


@pytest.mark.complains("409")
def test_late_cancellation_shows_the_final_status(page: Page, user: User) -> None:
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

    page.route("**/cancel", end_the_job_first)  # any earlier, the page could receive the end before the click
    card.get_by_role("button", name="Cancel").click()
    expect_status(card, "failed")
    expect(card).to_contain_text("It took too long.")
    expect(card.get_by_role("alert")).to_have_text("It finished before it could be cancelled.")


def test_paging_shows_all_two_hundred_jobs_in_order(page: Page, user: User) -> None:
    put_jobs(user, ({"prompt": f"Video {number}"} for number in range(200)))
    page.goto("/")
    studio, more = Studio(page), page.get_by_role("button", name="Show more")
    expect(studio.cards).to_have_count(24)
    for count in (48, 72, 96, 120, 144, 168, 192, 200):
        more.click()
        expect(studio.cards).to_have_count(count)
    expect(more).to_be_hidden()
    shown = page.eval_on_selector_all(".card .prompt", "prompts => prompts.map((it) => it.textContent)")
    assert shown == [f"Video {number}" for number in range(200)]
    expect(studio.card("Video 192").get_by_role("button", name="Try again", exact=True)).to_be_focused()


def test_new_job_comes_first_after_paging(page: Page, user: User) -> None:
    put_jobs(user, ({"prompt": f"Video {number}"} for number in range(30)))
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    expect(studio.cards).to_have_count(24)  # live updates of older jobs do not add cards
    studio.submit("The newest")
    assert page.locator(".card .prompt").first.text_content() == "The newest"
    page.get_by_role("button", name="Show more").click()
    expect(studio.cards).to_have_count(31)


def test_heading_stays_visible_above_a_video_that_is_made_from_further_down(page: Page, user: User) -> None:
    put_jobs(user, ({"prompt": f"Video {number}"} for number in range(12)))
    page.goto("/")
    studio, heading = Studio(page), page.get_by_role("heading", name="Your videos")
    studio.card("Video 11").scroll_into_view_if_needed()
    expect(heading).not_to_be_in_viewport()
    expect(studio.submit("The newest", seconds=60)).to_be_in_viewport()
    expect(heading).to_be_in_viewport(ratio=1, timeout=10_000)


def test_filter_shows_one_status_and_survives_a_reload(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}, {"prompt": "Stopped", "status": JobStatus.CANCELLED}])
    page.goto("/")
    studio = Studio(page)
    expect(studio.cards).to_have_count(2)
    studio.show("Failed")
    expect(studio.cards).to_have_count(1)
    expect(studio.card("Bad")).to_be_visible()
    page.reload()
    expect(studio.cards).to_have_count(1)
    studio.show("In progress")
    expect(page.get_by_text("Nothing in progress.")).to_be_visible()
    page.go_back()
    expect(studio.card("Bad")).to_be_visible()
    studio.show("All")
    expect(studio.cards).to_have_count(2)


def test_submitting_a_job_resets_the_filter(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}])
    page.goto("/?status=failed")
    studio = Studio(page)
    studio.submit("New")
    expect(page.locator("#filter").get_by_label("All")).to_be_checked()
    expect(studio.cards).to_have_count(2)


@pytest.mark.complains("ERR_FAILED")
def test_list_that_fails_to_load_shows_an_alert(page: Page) -> None:
    page.route("**/api/videos?**", lambda route: route.abort())
    page.goto("/")
    expect(page.get_by_role("alert").filter(has_text="can’t be reached")).to_be_visible()


def test_download_is_named_after_the_prompt(studio: Studio) -> None:
    studio.wait_until_live()
    card = studio.submit("A kite, over the sea!")
    expect_status(card, "completed")
    with studio.page.expect_download() as saved:
        card.get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename.endswith(".mp4")
    assert "kite" in saved.value.suggested_filename
    assert saved.value.path().read_bytes()[4:8] == b"ftyp"


def test_copied_link_plays_the_video_without_a_session(open_context: Callable[..., BrowserContext], user: User) -> None:
    page = open_context(user, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    card = studio.submit("A shared thing")
    expect_status(card, "completed")
    card.get_by_role("link", name="A shared thing").click()
    page.get_by_role("button", name="Copy public link").click()
    expect(studio.banner).to_contain_text("Link copied. Anyone with it can watch for")
    with urllib.request.urlopen(page.evaluate("navigator.clipboard.readText()")) as response:
        assert response.headers["Content-Type"] == "video/mp4"
