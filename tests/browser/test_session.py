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
    studio.make.click()
    expect(studio.page.get_by_role("link", name="Sign in")).to_have_attribute("href", "/dev/login")


@pytest.mark.complains("401")
def test_visitor_without_a_sign_in_url_is_referred_to_the_platform(signed_out: Page) -> None:
    signed_out.route("**/config.json", lambda route: route.fulfill(json={"liveUrl": None, "signInUrl": None}))
    signed_out.goto("/")
    expect(signed_out.get_by_text("Sign in on the platform, then come back")).to_be_visible()
    expect(signed_out.get_by_role("link", name="Sign in")).to_be_hidden()


def test_user_does_not_see_jobs_of_another_user(
    open_context: Callable[..., BrowserContext], user: User, stranger: User
) -> None:
    put_jobs(user, [{"prompt": "Mine"}])
    page = open_context(stranger).new_page()
    page.goto("/")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
