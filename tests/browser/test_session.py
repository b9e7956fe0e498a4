"""Who is signed in, where those go who are not, and the same studio behind the local CloudFront."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from localcloud.aws import open_session
from localcloud.config import CloudConfig
from localcloud.deployment import describe_stack
from localcloud.pages import upload_pages
from localcloud.stack import Stack
from tests.browser.studio import Studio, expect_status, put_jobs
from tests.browser.test_access import find_violations
from tests.stack.client import User


@pytest.fixture
def nobody(open_context: Callable[..., BrowserContext]) -> Page:
    """A tab of somebody who is not signed in."""
    return open_context().new_page()


@pytest.mark.complains("401")
def test_who_is_not_signed_in_is_shown_where_to(nobody: Page) -> None:
    nobody.goto("/")
    expect(nobody.get_by_role("heading", name="Sign in to see your videos")).to_be_focused()
    assert find_violations(nobody) == []
    nobody.get_by_role("link", name="Sign in").click()
    assert find_violations(nobody) == []
    nobody.get_by_role("button", name="Ada").click()
    expect(Studio(nobody).prompt).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
def test_who_signs_out_is_out(studio: Studio) -> None:
    expect(studio.prompt).to_be_visible()
    studio.page.get_by_role("link", name="Account").click()
    studio.page.get_by_role("button", name="Sign out").click()
    studio.page.goto("/")
    expect(studio.page.get_by_role("heading", name="Sign in to see your videos")).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
def test_a_session_that_ends_meanwhile_leads_back_to_the_sign_in(studio: Studio, context: BrowserContext) -> None:
    studio.wait_until_live()
    context.clear_cookies()
    studio.prompt.fill("Too late")
    studio.make.click()
    expect(studio.page.get_by_role("link", name="Sign in")).to_have_attribute("href", "/dev/login")


@pytest.mark.complains("401")
def test_where_nobody_says_where_the_words_do(nobody: Page) -> None:
    nobody.route("**/config.json", lambda route: route.fulfill(json={"liveUrl": None, "signInUrl": None}))
    nobody.goto("/")
    expect(nobody.get_by_text("Sign in on the platform, then come back")).to_be_visible()
    expect(nobody.get_by_role("link", name="Sign in")).to_be_hidden()


def test_one_user_does_not_see_what_another_made(
    open_context: Callable[..., BrowserContext], user: User, stranger: User
) -> None:
    put_jobs(user, [{"prompt": "Mine"}])
    page = open_context(stranger).new_page()
    page.goto("/")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()


@pytest.mark.complains("WebSocket", "cloudfront.localhost")
def test_the_same_studio_stands_behind_cloudfront(
    cloud: CloudConfig, stack: Stack, user: User, open_context: Callable[..., BrowserContext]
) -> None:
    deployed = describe_stack(cloud, stack.aws_endpoint_url)
    assert deployed
    settings = deployed.outputs | {"WebSocketUrl": str(stack.ws_url)}
    upload_pages(open_session(cloud).client("s3", endpoint_url=stack.aws_endpoint_url), settings, cloud.pages)
    label, port = deployed.outputs["WebUrl"].split("/")[2].split(".")[0], stack.aws_endpoint_url.rpartition(":")[2]
    origin = f"http://{label}.cloudfront.localhost:{port}"
    context = open_context()
    context.add_cookies([{"name": stack.cookie_name, "value": user.token(), "url": origin}])
    page = context.new_page()
    page.goto(f"{origin}/")
    # Its origin is not among those that may open a connection: it asks instead, and sees its job through.
    expect_status(Studio(page).ask("Through CloudFront"), "completed")
    assert page.evaluate("isSecureContext")
