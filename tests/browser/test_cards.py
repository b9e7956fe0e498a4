"""The cards under difficulties: lost messages, no network, double clicks, expired URLs, deletions elsewhere."""

import re
from collections.abc import Callable
from contextlib import suppress

import pymongo
import pytest
from bson import ObjectId
from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from tests.browser.conftest import OpenStudio
from tests.browser.studio import SOON, Studio, expect_status, put_jobs
from tests.stack.client import User
from videojobs.domain.job import JobStatus
from videojobs.domain.request import AspectRatio

HEBREW = "שלום עולם! מסיבה ב-2026."
VIDEO = {"status": JobStatus.COMPLETED, "video_url": "https://videos.example/a.mp4"}
PHONE = {"viewport": {"width": 375, "height": 812}, "has_touch": True, "is_mobile": True}
PAGES, POLLS = "**/api/videos?limit=24", "**/api/videos?limit=50"
PLAYED = "() => document.querySelector('video:not([hidden])')?.currentTime > 0.3"


def change(user: User, job_id: str, **fields: object) -> None:
    """Change a job in MongoDB, which sends no message to the page."""
    with pymongo.MongoClient[dict[str, object]](user.stack.mongo_uri) as client:
        update = {"$set": {"version": 9, **fields}, "$unset": {"next": "", "lease": ""}}
        client.get_default_database()["videojobs"].update_one({"_id": ObjectId(job_id)}, update)


def test_job_whose_last_message_was_lost_is_fetched(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [{"prompt": "Lost", "status": JobStatus.PROCESSING}])
    page.clock.install()
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    expect_status(studio.card("Lost"), "processing")
    change(user, job_id, status="failed", errorMessage="It took too long.")
    page.clock.fast_forward(40_000)
    expect_status(studio.card("Lost"), "failed")


def test_remaining_time_counts_down(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [{"prompt": "Slow", "status": JobStatus.PROCESSING}])
    job = user.call("GET", f"/api/videos/{job_id}").data | {"estimatedSecondsLeft": 300}
    page.route(f"**/api/videos/{job_id}", lambda route: route.fulfill(json={"success": True, "data": job}))
    page.clock.install()
    page.goto("/")
    state = Studio(page).card("Slow").locator(".state")
    expect(state).to_have_text("Making it · about 5 min left")
    job["estimatedSecondsLeft"] = None
    page.clock.fast_forward(240_000)
    expect(state).to_contain_text(" s left")
    page.clock.fast_forward(62_000)
    expect(state).to_have_text("Almost there…")
    page.clock.fast_forward(30_000)
    expect(state).to_have_text("Taking longer than usual")


@pytest.mark.complains("ERR_INTERNET_DISCONNECTED", "WebSocket")
def test_filter_without_a_network_keeps_the_cards_and_continues_with_it(
    page: Page, context: BrowserContext, user: User
) -> None:
    put_jobs(user, [{"prompt": "Bad"}, {"prompt": "Stopped", "status": JobStatus.CANCELLED}])
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    context.set_offline(True)
    expect(studio.mode).to_have_text("Offline")
    studio.show("Failed")
    expect(page.get_by_role("alert").filter(has_text="You’re offline.")).to_be_visible()
    expect(studio.cards).to_have_count(2)
    studio.card("Bad").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(studio.card("Bad").get_by_role("alert")).to_contain_text("You’re offline.")
    context.set_offline(False)
    expect(page.get_by_text("Nothing failed.")).to_be_visible()
    expect(studio.mode).to_have_text("Live")
    expect(page.get_by_role("alert").filter(has_text="offline")).to_have_count(0)


@pytest.mark.complains("500")
def test_failed_list_shows_the_request_id_and_can_be_repeated(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}])
    error = {"code": "INTERNAL_ERROR", "message": "Something went wrong on our side.", "details": []}
    content = {"success": False, "error": error, "requestId": "5f0c-1b2a"}
    page.route_web_socket(lambda _: True, lambda route: route.close())
    for requests in (PAGES, POLLS):
        page.route(requests, lambda route: route.fulfill(status=500, json=content))
    page.goto("/")
    alert = page.get_by_role("alert").filter(has_text="send us this code: 5f0c-1b2a")
    expect(alert).to_be_visible()
    page.unroute(PAGES)
    page.locator("#again").click()
    expect(Studio(page).card("Bad")).to_be_visible()
    expect(alert).to_be_hidden()


@pytest.mark.parametrize(
    ("status", "action", "path"), [(JobStatus.FAILED, "Try again", "retry"), (JobStatus.PROCESSING, "Cancel", "cancel")]
)
def test_double_click_on_an_action_sends_one_request(
    page: Page, user: User, status: JobStatus, action: str, path: str
) -> None:
    [job_id] = put_jobs(user, [{"prompt": "Twice", "status": status}])
    page.goto("/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if job_id in request.url else None)
    card = Studio(page).card("Twice")
    card.get_by_role("button", name=action, exact=True).dblclick()
    expect(card).not_to_have_attribute("data-status", status)
    expect(card.locator(".problem")).to_be_empty()
    assert [url.rpartition("/")[2] for url in sent if not url.endswith(job_id)] == [path]


@pytest.mark.complains("403")
def test_expired_pictures_are_renewed(studio: Studio, page: Page) -> None:
    studio.wait_until_live()
    expect_status(studio.submit("A flag"), "completed")
    refused: list[str] = []

    def refuse_the_first(route: Route) -> None:
        path = route.request.url.partition("?")[0]
        if path in refused:
            route.fallback()
        else:
            refused.append(path)
            route.fulfill(status=403)

    page.route("**/videos/**.*?**", refuse_the_first)
    page.reload()
    card = studio.card("A flag")
    expect(card.locator(".poster")).to_have_class("poster ready")
    card.locator(".mat").hover()
    expect(card.locator(".preview")).to_have_class("preview ready")
    assert len(refused) == 2


def test_renewed_video_keeps_its_position_volume_and_pause(studio: Studio, page: Page) -> None:
    studio.wait_until_live()
    card = studio.submit("A pause", style="Background", seconds=2)
    expect_status(card, "completed")
    card.get_by_role("button", name="Play").click()
    page.wait_for_function(PLAYED, timeout=SOON)
    video = card.locator("video")
    position = video.evaluate("video => { video.pause(); video.volume = 0.25; return video.currentTime; }")
    url = video.get_attribute("src")
    video.dispatch_event("error")  # as after the next request to an expired URL
    expect(video).not_to_have_attribute("src", str(url))
    page.wait_for_function("() => document.querySelector('video:not([hidden])').readyState >= 2", timeout=SOON)
    state = video.evaluate("video => [video.currentTime, video.paused, video.volume, video.loop]")
    assert state == [pytest.approx(position, abs=0.1), True, 0.25, True]


def test_one_video_plays_at_a_time(studio: Studio, page: Page) -> None:
    studio.wait_until_live()
    for prompt in ("First", "Second"):
        expect_status(studio.submit(prompt, seconds=1), "completed")
    for prompt in ("First", "Second"):
        studio.card(prompt).get_by_role("button", name="Play").click()
        page.wait_for_function(PLAYED, timeout=SOON)
    expect(studio.card("First").locator("video")).to_have_js_property("paused", value=True)
    expect(studio.card("Second").locator("video")).to_have_js_property("paused", value=False)


def test_portrait_fills_a_phone_and_plays_in_the_view_elsewhere(open_studio: OpenStudio, user: User) -> None:
    put_jobs(user, [{}, VIDEO | {"prompt": "Tall", "aspect_ratio": AspectRatio.PORTRAIT}])
    phone = open_studio(**PHONE)
    box = phone.card("Tall").locator(".frame").bounding_box()
    assert box
    assert box["width"] > 330
    assert not phone.is_wider_than_the_screen()
    phone.page.context.close()


@pytest.mark.complains("Content Security Policy")
def test_click_next_to_a_portrait_plays_it(page: Page, user: User) -> None:
    put_jobs(user, [VIDEO | {"prompt": "Tall", "aspect_ratio": AspectRatio.PORTRAIT}])
    page.goto("/")
    card = Studio(page).card("Tall")
    card.locator(".mat").click(position={"x": 30, "y": 200})
    expect(card.locator("video")).to_be_visible()


def test_pictures_are_loaded_when_they_come_near_and_wide_ones_are_drawn_once(
    open_context: Callable[..., BrowserContext], user: User
) -> None:
    put_jobs(user, (VIDEO | {"prompt": f"Video {number}"} for number in range(24)))
    page = open_context(user, **PHONE).new_page()
    page.route_web_socket(lambda _: True, lambda route: route.close())
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "icon.png?" in request.url else None)

    def add_pictures(route: Route) -> None:
        with suppress(Error):  # at the end of the test, the page can be closed during a request
            content = route.fetch().json()
            for job in content["data"]["items"]:
                job["posterUrl"] = f"/icon.png?{job['jobId']}"
            route.fulfill(json=content)

    for requests in (PAGES, POLLS):
        page.route(requests, add_pictures)
    page.goto("/")
    cards = Studio(page).cards
    expect(cards.first.locator(".poster")).to_have_class("poster ready")
    expect(cards.first.locator(".glow")).to_be_hidden()
    assert len(loaded) < 24
    cards.last.scroll_into_view_if_needed()
    expect(cards.last.locator(".poster")).to_have_class("poster ready")


@pytest.mark.complains("Content Security Policy")
def test_portrait_plays_in_the_view_if_the_card_is_too_narrow(page: Page, user: User) -> None:
    put_jobs(user, [{}, VIDEO | {"prompt": "Tall", "aspect_ratio": AspectRatio.PORTRAIT}])
    page.goto("/")
    Studio(page).card("Tall").get_by_role("button", name="Play").click()
    expect(page.get_by_role("dialog", name="Tall").locator("video")).to_be_visible()


def test_texts_of_users_wrap_and_have_their_own_direction(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": HEBREW, "error_message": HEBREW}])
    page.goto("/")
    card = Studio(page).card(HEBREW)
    for part in (".prompt", ".why"):
        assert card.locator(part).evaluate("element => getComputedStyle(element).direction") == "rtl"
    expect(card.locator("time")).to_have_attribute("title", re.compile(r"^\d+ \w+ \d{4} at "))


@pytest.mark.complains("404")
def test_job_that_was_deleted_elsewhere_leaves_the_page(studio: Studio, page: Page, user: User) -> None:
    ids = put_jobs(user, [{"prompt": "Gone"}, {"prompt": "Stays"}])
    page.reload()
    expect(studio.cards).to_have_count(2)
    user.call("DELETE", f"/api/videos/{ids[0]}")
    studio.card("Gone").get_by_role("button", name="Try again", exact=True).click()
    expect(studio.banner).to_have_text("This video was deleted.")
    expect(studio.cards).to_have_count(1)


@pytest.mark.complains("401", "WebSocket")
def test_download_without_a_session_leads_to_the_sign_in_page(page: Page, context: BrowserContext, user: User) -> None:
    put_jobs(user, [VIDEO | {"prompt": "Mine"}])
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()  # a page that polls notices the end of the session itself
    context.clear_cookies()
    studio.card("Mine").get_by_role("button", name="Download").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_filter_counts_and_a_job_that_ends_leaves_its_group(page: Page, user: User) -> None:
    put_jobs(
        user,
        [
            {"prompt": "Moving", "status": JobStatus.PROCESSING},
            {"prompt": "Waiting", "status": JobStatus.QUEUED},
            *({"prompt": f"Bad {number}"} for number in range(30)),
        ],
    )
    page.goto("/")
    studio = Studio(page)
    labels = page.locator("#filter label")
    expect(studio.cards).to_have_count(24)
    expect(labels.filter(has_text="In progress")).to_have_attribute("data-count", "2")
    studio.show("In progress")
    expect(studio.cards).to_have_count(2)
    studio.card("Moving").get_by_role("button", name="Cancel").click()
    expect(studio.banner).to_have_text("Moved to Cancelled")
    expect(studio.cards).to_have_count(1)
    studio.show("Failed")
    page.get_by_role("button", name="Show more").click()
    expect(studio.cards).to_have_count(30)
    expect(labels.filter(has_text="Failed")).to_have_attribute("data-count", "30")


def test_search_filters_the_prompts_on_the_page(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "A red kite"}, {"prompt": "A blue boat"}, {"prompt": None}])
    page.goto("/")
    studio, search = Studio(page), page.get_by_role("searchbox")
    search.fill("KITE")
    expect(studio.cards).to_have_count(1)
    search.fill("balloon")
    expect(page.get_by_text("No prompt contains")).to_be_visible()
    search.fill("")
    expect(studio.cards).to_have_count(3)
    expect(studio.card("Untitled")).to_be_visible()


def test_stage_shows_only_videos_and_jobs_in_progress(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad"}, VIDEO | {"prompt": "Good"}])
    page.goto("/")
    studio = Studio(page)
    boxes = [studio.card(prompt).locator(".mat").bounding_box() for prompt in ("Bad", "Good")]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["width"] == pytest.approx(boxes[1]["width"], abs=1)
