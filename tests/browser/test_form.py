"""The form under difficulties: long words, small windows, refused and lost requests, drafts that would be replaced."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from localcloud.stack import Stack
from tests.browser.conftest import OpenStudio
from tests.browser.studio import SOON, Studio, expect_status, put_jobs
from tests.browser.test_access import find_violations
from tests.stack.client import User
from videojobs.domain.job import JobStatus

GENERATE = "**/api/videos/generate"
PLAIN = "http://studio.example/"
SECURE = "[crypto.randomUUID, navigator.clipboard, navigator.share, navigator.serviceWorker].filter(Boolean).length"
BLOCKED = "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException('', 'SecurityError'); }})"
ADDRESS = "https://example.com/products/summer-sale/2026?utm_source=newsletter&utm_campaign=" + "x" * 80
HEBREW = "שלום עולם! מסיבה ב-2026."
DIRECTION = "element => getComputedStyle(element).direction"
EDIT = "detail => document.dispatchEvent(new CustomEvent('videojobs:edit', {detail}))"
HIDE = "hidden => Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})"


def refuse(page: Page, status: int, code: str, message: str, **headers: str) -> None:
    """Answer each request for a video with an error."""
    error = {"code": code, "message": message, "details": []}
    content = {"success": False, "error": error, "requestId": "5f0c-1b2a"}
    page.route(GENERATE, lambda route: route.fulfill(status=status, json=content, headers=headers))


def hold(page: Page, url: str) -> list[Route]:
    """Return the list that collects the requests, which the test continues."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(url, keep)
    return held


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_long_word_wraps_in_the_form(studio: Studio, width: int) -> None:
    studio.page.set_viewport_size({"width": width, "height": 812})
    studio.prompt.fill(ADDRESS)
    assert not studio.is_wider_than_the_screen()
    assert studio.page.locator("#composer").evaluate("form => form.scrollWidth <= form.clientWidth")


def test_prompt_is_written_in_the_direction_of_its_text(studio: Studio) -> None:
    assert studio.prompt.evaluate(DIRECTION) == "ltr"
    studio.prompt.fill(HEBREW)
    assert studio.prompt.evaluate(DIRECTION) == "rtl"
    studio.page.get_by_role("button", name="A lighthouse").click()
    assert studio.page.get_by_text(HEBREW).last.evaluate(DIRECTION) == "rtl"


def test_suggestion_replaces_a_draft_only_after_confirmation(studio: Studio) -> None:
    page, dialog = studio.page, studio.page.get_by_role("dialog", name="Replace your draft?")
    studio.prompt.fill("Mine")
    page.get_by_role("button", name="A lighthouse").click()
    expect(dialog).to_contain_text("Mine")
    assert find_violations(page) == []
    dialog.get_by_role("button", name="Keep it").click()
    expect(studio.prompt).to_have_value("Mine")
    page.evaluate(EDIT, {"prompt": "Theirs", "style": "background", "duration": 2.5, "aspectRatio": "1:1"})
    dialog.get_by_role("button", name="Replace").click()
    expect(studio.prompt).to_have_value("Theirs")
    expect(studio.prompt).to_be_focused()
    expect(page.get_by_label("Background")).to_be_checked()
    expect(page.get_by_text("No words, loops seamlessly")).to_be_visible()
    expect(page.locator("#duration")).to_have_value("2.5")
    page.evaluate(EDIT, {"prompt": "Old", "style": None, "duration": None, "aspectRatio": None})
    expect(studio.prompt).to_have_value("Old")  # without a question, as the user has typed nothing since
    expect(page.get_by_label("Square 1:1")).to_be_checked()


def test_length_is_checked_when_it_has_been_typed(studio: Studio) -> None:
    duration, problem = studio.page.locator("#duration"), studio.page.locator("#duration-error")
    duration.fill("")
    expect(studio.page.locator("#slider")).to_have_value("8")
    expect(problem).to_be_empty()
    duration.blur()
    expect(problem).to_have_text("Enter a length from 1 to 60 seconds.")
    duration.fill("12")
    expect(problem).to_be_empty()


def test_button_is_visible_on_a_small_laptop(open_studio: OpenStudio, user: User) -> None:
    put_jobs(user, [{}])
    studio = open_studio(viewport={"width": 1366, "height": 657})
    expect(studio.cards).to_have_count(1)
    expect(studio.make).to_be_in_viewport(ratio=1)
    studio.prompt.fill("A line\n" * 12)
    studio.page.locator("#duration").fill("0")
    studio.make.click()
    expect(studio.page.locator("#duration-error")).to_be_visible()
    expect(studio.make).to_be_in_viewport(ratio=1)


def test_banner_leaves_the_button_free_on_a_phone_without_live_updates(
    open_context: Callable[..., BrowserContext], user: User
) -> None:
    page = open_context(user, viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True).new_page()
    page.route_web_socket(lambda _: True, lambda route: route.close())
    page.clock.install()
    page.goto("/")
    studio = Studio(page)
    expect(studio.mode).to_have_text("Updating every few seconds")
    page.clock.fast_forward(2000)
    expect(studio.banner).to_have_class("banner shown")
    page.clock.fast_forward(6000)
    expect(studio.banner).to_have_class("banner")
    expect(studio.mode).to_be_visible()
    expect(page.locator("#hint")).to_be_hidden()


def test_page_is_usable_with_forced_colors(open_studio: OpenStudio) -> None:
    studio = open_studio(forced_colors="active")
    assert studio.make.evaluate("button => getComputedStyle(button).borderTopStyle") == "solid"
    assert find_violations(studio.page) == []


@pytest.mark.complains("429")
def test_rate_limit_counts_down_and_frees_the_button(page: Page) -> None:
    limits = {"RateLimit-Policy": '"generate";q=30;w=60', "RateLimit": '"generate";r=0;t=46'}
    refuse(page, 429, "RATE_LIMITED", "Too many requests. Try again shortly.", **{"Retry-After": "46"}, **limits)
    page.clock.install()
    page.goto("/")
    studio, alert = Studio(page), page.locator("#form-error")
    studio.prompt.fill("A boat")
    studio.make.click()
    expect(alert).to_contain_text("You can make 30 videos a minute. Try again in 4")
    expect(studio.make).to_have_attribute("aria-disabled", "true")
    page.clock.fast_forward(20_000)
    expect(alert).to_contain_text("Try again in 2")
    page.clock.fast_forward(26_000)
    expect(alert).to_be_empty()
    expect(studio.make).not_to_have_attribute("aria-disabled", "true")
    expect(studio.prompt).to_have_value("A boat")


@pytest.mark.complains("503")
def test_paused_submissions_are_explained_at_once(studio: Studio) -> None:
    message = "New videos are paused. Videos in progress are not affected. Try again later."
    refuse(studio.page, 503, "UNAVAILABLE", message, **{"Retry-After": "300"})
    studio.prompt.fill("A boat")
    studio.make.click()
    expect(studio.page.locator("#form-error")).to_contain_text("are not affected. Try again in 5 min.")


@pytest.mark.complains("500")
def test_internal_error_shows_the_request_id(studio: Studio) -> None:
    refuse(studio.page, 500, "INTERNAL_ERROR", "Something went wrong on our side.")
    studio.prompt.fill("A boat")
    studio.make.click()
    expect(studio.page.get_by_role("alert").filter(has_text="send us this code: 5f0c-1b2a")).to_be_visible()
    expect(studio.prompt).to_have_value("A boat")


def test_slow_request_is_visible_on_the_button(studio: Studio) -> None:
    held = hold(studio.page, GENERATE)
    studio.prompt.fill("A boat")
    button = studio.page.locator("#make")
    button.dblclick()
    expect(button).to_have_text("Sending…")
    [route] = held
    route.continue_()
    expect(studio.card("A boat")).to_be_visible()
    expect(button).to_have_text("Make the video")


@pytest.mark.complains("ERR_INTERNET_DISCONNECTED", "WebSocket")
def test_video_requested_offline_is_made_once_when_the_connection_returns(
    studio: Studio, context: BrowserContext, user: User
) -> None:
    studio.wait_until_live()
    context.set_offline(True)
    studio.prompt.fill("Later")
    studio.make.click()
    expect(studio.page.get_by_role("alert").filter(has_text="You’re offline. Your video is sent when")).to_be_visible()
    context.set_offline(False)
    expect(studio.card("Later")).to_be_visible()
    expect(studio.page.locator("#form-error")).to_be_empty()
    assert len(user.call("GET", "/api/videos").data["items"]) == 1


@pytest.mark.complains("ERR_FAILED")
def test_request_that_was_lost_is_repeated_under_its_key(studio: Studio, page: Page) -> None:
    keys: list[str] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    page.route(GENERATE, lose)
    studio.prompt.fill("A boat")
    studio.make.click()
    expect(page.get_by_role("alert").filter(has_text="can’t be reached")).to_be_visible(timeout=SOON)
    expect(studio.prompt).to_have_value("A boat")
    page.unroute(GENERATE)
    with page.expect_request(GENERATE) as request:
        page.evaluate("dispatchEvent(new Event('online'))")
    assert {*keys, request.value.headers["idempotency-key"]} == {keys[0]}
    expect(studio.card("A boat")).to_be_visible()


def test_title_counts_the_videos_that_ended_while_the_tab_was_hidden(studio: Studio) -> None:
    studio.wait_until_live()
    studio.page.evaluate(HIDE, True)
    expect_status(studio.submit("Unseen"), "completed")
    expect(studio.page).to_have_title("(1) Video Jobs")
    studio.page.evaluate(HIDE, False)
    studio.page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    expect(studio.page).to_have_title("Video Jobs")


def test_form_is_usable_before_the_settings_arrive(page: Page) -> None:
    held = hold(page, "**/config.json")
    page.goto("/", wait_until="commit")
    studio = Studio(page)
    studio.prompt.fill("Early")
    studio.make.click()
    expect(page.locator("#make")).to_have_text("Sending…")
    for route in held:
        route.continue_()
    expect(studio.card("Early")).to_be_visible()


@pytest.mark.complains(PLAIN, "WebSocket")
def test_page_works_on_plain_http_without_the_apis_of_secure_pages(page: Page, stack: Stack, user: User) -> None:
    put_jobs(user, [{"prompt": "Done", "status": JobStatus.COMPLETED, "video_url": "https://videos.example/a.mp4"}])

    def forward(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name not in {"origin", "referer"}}
        url = stack.web_url + route.request.url.removeprefix(PLAIN)
        route.fulfill(response=route.fetch(url=url, headers=headers))

    page.route(f"{PLAIN}**", forward)
    page.goto(PLAIN)
    assert page.evaluate(f"[isSecureContext, {SECURE}]") == [False, 0]
    studio = Studio(page)
    studio.submit("By plain http", seconds=60)
    studio.card("Done").get_by_role("button", name="Copy link").click()
    expect(studio.card("Done").get_by_role("alert")).to_have_text(
        "Your browser blocked copying. Use its address instead."
    )


def test_page_works_if_the_browser_blocks_the_session_storage(page: Page) -> None:
    page.add_init_script(BLOCKED)
    page.goto("/")
    studio = Studio(page)
    card = studio.submit("Nothing kept", seconds=60)
    card.get_by_role("link").click()
    expect(page.get_by_role("dialog", name="Nothing kept")).to_be_visible()
