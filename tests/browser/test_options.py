"""The options of requests: which are offered, how they are sent and kept, and the price on the button."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.studio import Studio, expect_status, put_jobs
from tests.browser.test_access import find_violations
from tests.stack.client import User
from videojobs.domain.job import JobStatus
from videojobs.domain.request import Resolution

OPTIONS, ESTIMATE, GENERATE = (f"**/api/videos/{path}" for path in ("options", "estimate", "generate"))
MORE = "More options"
MADE = "Make the video"
HEBREW = "גשם וענן"
EVERY = {"resolutions": ["720p", "1080p"], "sound": True, "seed": True, "negativePrompt": True}
"""What a provider offers that supports all options."""
LOOKS = [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}]


def offer(page: Page, *, price: bool = False) -> None:
    """Respond with options of which a provider supports all, and publishes a price if `price` is True."""
    provider = {**EVERY, "name": "every", "selectable": False, "prices": [{}] if price else []}
    content = {"success": True, "data": {"resolutions": EVERY["resolutions"], "providers": [provider]}}
    page.route(OPTIONS, lambda route: route.fulfill(json=content))


def expect_options(page: Page, resolution: str, sound: str, avoided: str, seed: str) -> None:
    """Wait until the options are visible and have these values."""
    expect(page.get_by_role("combobox", name="Resolution")).to_have_value(resolution)
    expect(page.get_by_role("combobox", name="Sound")).to_have_value(sound)
    expect(page.get_by_role("textbox", name="What to avoid")).to_have_value(avoided)
    expect(page.get_by_role("spinbutton", name="Seed")).to_have_value(seed)


def test_only_supported_options_are_offered_and_the_video_has_them(studio: Studio, page: Page, user: User) -> None:
    studio.wait_until_live()
    page.get_by_text(MORE).click()
    page.get_by_role("combobox", name="Resolution").select_option("480p")
    seed = page.get_by_role("spinbutton", name="Seed")
    seed.fill("7")
    expect(page.get_by_role("combobox", name="Sound")).to_have_count(0)
    expect(page.get_by_role("textbox", name="What to avoid")).to_have_count(0)
    card = studio.submit("A kite")
    expect_status(card, "completed")
    expect(card).to_contain_text("Calm · 1 s · 16:9 · 480p")
    seed.fill("")
    card.get_by_role("link", name="A kite").click()
    view = page.get_by_role("dialog", name="A kite")
    expect(view).to_contain_text("480p · Seed 7 · 854 × 480 pixels")
    assert find_violations(page) == []
    view.get_by_role("button", name="Use this seed").click()
    expect(seed).to_be_focused()
    expect(seed).to_have_value("7")
    card.get_by_role("button", name="Try a new seed").click()
    expect(studio.cards).to_have_count(2)
    new, old = user.call("GET", "/api/videos").data["items"]
    assert [(job["resolution"], job["seed"]) for job in (new, old)] == [("480p", None), ("480p", 7)]


def test_failed_video_is_made_again_with_a_new_seed(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "Bad", "seed": 7, "duration": 1}, {"prompt": "Without a seed"}])
    page.goto("/")
    studio = Studio(page)
    with page.expect_request("**/retry") as request:
        studio.card("Bad").get_by_role("button", name="Try a new seed").click()
    assert request.value.post_data_json == {"seed": "new"}
    expect(studio.card("Bad")).not_to_have_attribute("data-status", "failed")
    expect(studio.card("Without a seed").get_by_role("button", name="Try a new seed")).to_have_count(0)


def test_options_are_kept_by_the_draft_and_by_a_repeated_request(page: Page, user: User) -> None:
    fields = {"resolution": Resolution.P1080, "sound": True, "negative_prompt": HEBREW, "seed": 7}
    put_jobs(user, [{"prompt": "Again", "duration": 1, **fields}])
    offer(page)
    page.goto("/")
    studio = Studio(page)
    studio.card("Again").get_by_role("button", name="Edit and try again").click()
    expect_options(page, "1080p", "true", HEBREW, "7")
    avoided = page.get_by_role("textbox", name="What to avoid")
    assert avoided.evaluate("element => getComputedStyle(element).direction") == "rtl"
    page.reload()
    expect_options(page, "1080p", "true", HEBREW, "7")
    with page.expect_request(GENERATE) as request:
        studio.make.click()
    request_of_the_form = {"prompt": "Again", "style": "fun", "duration": 1, "aspectRatio": "16:9"}
    options = {"resolution": "1080p", "sound": True, "negativePrompt": HEBREW, "seed": 7}
    assert request.value.post_data_json == {**request_of_the_form, **options}
    expect(studio.cards).to_have_count(2)
    expect(studio.cards.first).to_contain_text("This provider doesn’t support: what to avoid, sound.")
    page.evaluate("document.dispatchEvent(new CustomEvent('videojobs:edit', {detail: {prompt: 'Plain'}}))")
    expect_options(page, "", "", "", "")


def test_ignored_fields_are_named_on_the_card_and_in_the_view(page: Page, user: User) -> None:
    video = {"status": JobStatus.COMPLETED, "video_url": "https://videos.example/a.mp4"}
    put_jobs(user, [{"prompt": "Quiet", "sound": True, "ignored": ("sound",), **video}])
    page.goto("/")
    card = Studio(page).card("Quiet")
    expect(card).to_contain_text("This provider doesn’t support: sound.")
    card.get_by_role("link").click()
    expect(page.get_by_role("dialog", name="Quiet")).to_contain_text("This provider doesn’t support: sound.")


def test_invalid_seed_is_shown_although_the_options_are_closed(studio: Studio, page: Page) -> None:
    studio.prompt.fill("A boat")
    page.get_by_text(MORE).click()
    seed = page.get_by_role("spinbutton", name="Seed")
    for value in ("1.5", "-1", "4294967296"):
        seed.fill(value)
        page.get_by_text(MORE).click()
        studio.make.click()
        expect(seed).to_be_focused()
        expect(page.locator("#seed-error")).to_have_text(
            "Enter a whole number from 0 to 4,294,967,295, or leave it empty."
        )
    seed.fill("4294967295")
    expect(page.locator("#seed-error")).to_be_empty()
    expect(studio.cards).to_have_count(0)


def test_price_is_requested_once_for_each_change_and_shown_on_the_button(page: Page) -> None:
    asked: list[Any] = []

    def answer(route: Route) -> None:
        request = route.request.post_data_json
        asked.append(request)
        price = {"amount": request["duration"] * 0.0375, "currency": "USD", "pricesAsOf": None}
        route.fulfill(json={"success": True, "data": {"price": price}})

    page.route(ESTIMATE, answer)
    offer(page, price=True)
    page.goto("/")
    studio = Studio(page)
    expect(studio.make).to_have_text(MADE)
    studio.prompt.press_sequentially("A boat")
    expect(studio.make).to_have_text(f"{MADE} · $0.30")
    for seconds, price in (("12", "0.45"), ("8", "0.30")):
        page.locator("#duration").fill(seconds)
        expect(studio.make).to_have_text(f"{MADE} · ${price}")
    page.locator("#duration").fill("0")
    expect(studio.make).to_have_text(MADE)
    assert [request["duration"] for request in asked] == [8, 12]


@pytest.mark.complains("500")
def test_failed_estimate_shows_nothing(page: Page) -> None:
    error = {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "", "details": []}, "requestId": "r"}
    page.route(ESTIMATE, lambda route: route.fulfill(status=500, json=error))
    offer(page, price=True)
    page.goto("/")
    studio = Studio(page)
    with page.expect_response(ESTIMATE):
        studio.prompt.fill("A boat")
    studio.submit("A boat", seconds=60)
    expect(page.locator("#make")).to_have_text(MADE)
    expect(page.locator("#form-error")).to_be_empty()


def test_slow_estimate_does_not_delay_the_video(page: Page) -> None:
    page.route(ESTIMATE, lambda route: None)  # without a response
    offer(page, price=True)
    page.goto("/")
    studio = Studio(page)
    with page.expect_request(ESTIMATE):
        studio.prompt.fill("A boat")
    studio.submit("A boat", seconds=60)


@pytest.mark.complains("404")
def test_page_works_with_an_api_that_has_no_options(page: Page) -> None:
    error = {"success": False, "error": {"code": "NOT_FOUND", "message": "", "details": []}, "requestId": "r"}
    page.route(OPTIONS, lambda route: route.fulfill(status=404, json=error))
    page.goto("/")
    studio = Studio(page)
    with page.expect_request(GENERATE) as request:
        studio.submit("A kite")
    assert request.value.post_data_json.keys() == {"prompt", "style", "duration", "aspectRatio"}
    expect(page.get_by_text(MORE)).to_be_hidden()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_options_are_accessible_on_a_narrow_page(
    open_context: Callable[..., BrowserContext], user: User, look: dict[str, str]
) -> None:
    page = open_context(user, viewport={"width": 320, "height": 640}, **look).new_page()
    offer(page)
    page.goto("/")
    expect(page.get_by_text(MORE)).to_be_visible()
    page.get_by_text(MORE).focus()
    page.keyboard.press("Enter")
    for control in ("[name=resolution]", "[name=sound]", "[name=negativePrompt]", "[name=seed]"):
        page.keyboard.press("Tab")
        expect(page.locator(control)).to_be_focused()
    page.keyboard.type("-1")
    page.keyboard.press("Enter")
    expect(page.locator("#prompt-error")).not_to_be_empty()
    expect(page.locator("#seed-error")).not_to_be_empty()
    assert find_violations(page) == []
    assert not Studio(page).is_wider_than_the_screen()
