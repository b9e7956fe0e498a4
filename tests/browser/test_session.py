"""Sign-in and sign-out, and the studio behind the local CloudFront."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.studio import Studio, put_jobs
from tests.browser.test_access import find_violations
from tests.stack.client import User


@pytest.fixture
def signed_out(open_context: Callable[..., BrowserContext]) -> Page:
    """Return a tab without a session."""
    return open_context().new_page()


@pytest.fixture
def studio_of_user(page: Page, user: User) -> Studio:
    """Return the studio with the user's video “Mine”."""
    put_jobs(user, [{"prompt": "Mine"}])
    page.goto("/")
    studio = Studio(page)
    expect(studio.card("Mine")).to_be_visible()
    return studio


@pytest.mark.complains("401")
def test_signed_out_visitor_is_led_to_the_sign_in_page(signed_out: Page) -> None:
    signed_out.goto("/")
    expect(signed_out.get_by_role("heading", name="Sign in to see your videos")).to_be_focused()
    assert find_violations(signed_out) == []
    signed_out.get_by_role("link", name="Sign in").click()
    assert find_violations(signed_out) == []
    signed_out.get_by_role("button", name="Ada").click()
    expect(Studio(signed_out).prompt).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
def test_sign_out_ends_the_session(studio: Studio) -> None:
    expect(studio.prompt).to_be_visible()
    studio.page.get_by_role("link", name="Account").click()
    studio.page.get_by_role("button", name="Sign out").click()
    studio.page.goto("/")
    expect(studio.page.get_by_role("heading", name="Sign in to see your videos")).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
def test_expired_session_leads_back_to_the_sign_in_page(studio: Studio, context: BrowserContext) -> None:
    studio.wait_until_live()
    context.clear_cookies()
    studio.prompt.fill("Too late")
    studio.page.get_by_label("Calm").check()
    studio.page.locator("#duration").fill("2.5")
    studio.make.click()
    expect(studio.page.get_by_text("Your draft is kept.")).to_be_visible()
    studio.page.get_by_role("link", name="Sign in").click()
    studio.page.get_by_role("button", name="Ada").click()
    expect(studio.prompt).to_have_value("Too late")
    expect(studio.page.get_by_label("Calm")).to_be_checked()
    expect(studio.page.locator("#duration")).to_have_value("2.5")


@pytest.mark.complains("401")
def test_visitor_without_a_sign_in_url_is_referred_to_the_platform(signed_out: Page) -> None:
    signed_out.route("**/config.json", lambda route: route.fulfill(json={"liveUrl": None, "signInUrl": None}))
    signed_out.goto("/")
    expect(signed_out.get_by_text("Sign in on the platform, then come back")).to_be_visible()
    expect(signed_out.get_by_role("link", name="Sign in")).to_be_hidden()


@pytest.mark.complains("401", "WebSocket")
def test_one_click_in_the_studio_signs_out_and_deletes_the_draft(studio: Studio) -> None:
    studio.prompt.fill("For me alone")
    expect(studio.page.get_by_role("link", name="Account: User")).to_be_visible()
    studio.page.get_by_role("button", name="Sign out").click()
    expect(studio.page.get_by_text("You’re signed out.")).to_be_visible()
    studio.page.get_by_role("link", name="Back to the studio").click()
    expect(studio.page.get_by_text("Sign in to pick up where you left off.")).to_be_visible()
    expect(studio.page.get_by_text("Your draft is kept.")).to_be_hidden()


def test_draft_survives_a_reload_until_it_is_sent(page: Page, user: User) -> None:
    put_jobs(user, [{}])
    page.goto("/")
    studio = Studio(page)
    studio.prompt.fill("Half a thou")
    page.reload()
    expect(studio.prompt).to_have_value("Half a thou")
    studio.submit("A whole one")
    page.reload()
    expect(studio.cards).to_have_count(2)
    expect(studio.prompt).to_have_value("")


@pytest.mark.complains("403", "WebSocket")
def test_tab_shows_nothing_of_its_user_when_another_has_signed_in(
    studio_of_user: Studio, context: BrowserContext, stranger: User
) -> None:
    studio = studio_of_user
    put_jobs(stranger, [{"prompt": "Yours"}])
    studio.prompt.fill("My draft")
    context.request.post("/dev/login", form={"user": stranger.id})
    studio.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(studio.card("Yours")).to_be_visible()
    expect(studio.cards).to_have_count(1)
    expect(studio.prompt).to_have_value("")


@pytest.mark.complains("401", "WebSocket")
def test_tab_shows_nothing_after_a_sign_out_in_another_tab(studio_of_user: Studio, context: BrowserContext) -> None:
    page = studio_of_user.page
    context.request.post("/dev/logout")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("heading", name="Sign in to see your videos")).to_be_visible()
    expect(page.get_by_text("Mine")).to_be_hidden()


@pytest.mark.complains("403", "WebSocket")
def test_video_made_as_another_user_is_shown_among_that_user_s_videos(
    studio_of_user: Studio, context: BrowserContext, stranger: User
) -> None:
    studio = studio_of_user
    context.request.post("/dev/login", form={"user": stranger.id})
    studio.prompt.fill("Yours")
    studio.make.click()
    expect(studio.card("Mine")).to_have_count(0)
    expect(studio.card("Yours")).to_be_visible()


@pytest.mark.complains("403", "401")
def test_draft_of_another_user_is_not_restored(studio_of_user: Studio, context: BrowserContext, stranger: User) -> None:
    studio, page = studio_of_user, studio_of_user.page
    studio.prompt.fill("My draft")
    context.request.post("/dev/login", form={"user": stranger.id})
    with page.expect_response(lambda response: response.status == 403):
        page.reload()
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    expect(studio.prompt).to_have_value("")
    assert page.evaluate("sessionStorage.length") == 0


def test_user_does_not_see_jobs_of_another_user(
    open_context: Callable[..., BrowserContext], user: User, stranger: User
) -> None:
    put_jobs(user, [{"prompt": "Mine"}])
    page = open_context(stranger).new_page()
    page.goto("/")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
