"""Browser fixtures: the studio of the deployed local system, opened by a new signed-in user."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from localcloud.stack import Stack
from tests.browser.studio import Studio
from tests.servers import missing
from tests.stack.client import User

type OpenStudio = Callable[..., Studio]

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 900}
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield Chromium with an empty profile; if it is installed, the build without windows, which needs a third."""
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        missing("Chromium is not installed. Run `apt-get install chromium`.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page_errors() -> list[str]:
    """Return the list that collects console errors and requests to third parties."""
    return []


@pytest.fixture
def open_context(
    browser: Browser, stack: Stack, page_errors: list[str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Yield a function that opens a separate browser context, signed in if a user is given.

    Afterwards the test fails on any page error that contains no text of the marker `complains`.
    """
    expected = [text for mark in request.node.iter_markers("complains") for text in mark.args]
    opened: list[BrowserContext] = []

    def open_one(user: User | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, "base_url": stack.web_url, **options})
        opened.append(context)
        context.set_default_timeout(60_000)
        context.on("console", lambda message: _note(message, page_errors))
        context.on("weberror", lambda error: page_errors.append(str(error.error)))
        context.on("request", lambda request: _record_third_party(request.url, page_errors))
        if user:
            context.request.post("/dev/login", form={"user": user.id})
        return context

    yield open_one
    for context in opened:
        context.close()
    assert [error for error in page_errors if not any(text in error for text in expected)] == []


@pytest.fixture
def context(open_context: Callable[..., BrowserContext], user: User) -> BrowserContext:
    """Return the user's browser context."""
    return open_context(user)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Return an empty tab of the user's browser."""
    return context.new_page()


@pytest.fixture
def studio(page: Page) -> Studio:
    """Return the studio, loaded in the tab."""
    page.goto("/")
    return Studio(page)


@pytest.fixture
def open_studio(open_context: Callable[..., BrowserContext], user: User) -> OpenStudio:
    """Return a function that opens the studio in another browser of the same user."""

    def open_one(path: str = "/", **options: Any) -> Studio:
        page = open_context(user, **options).new_page()
        page.goto(path)
        return Studio(page)

    return open_one


def _note(message: ConsoleMessage, page_errors: list[str]) -> None:
    if message.type in {"error", "warning"}:
        page_errors.append(f"{message.type}: {message.text} {message.location.get('url', '')}")


def _record_third_party(url: str, page_errors: list[str]) -> None:
    if urlsplit(url).hostname != "127.0.0.1" and not url.startswith(("blob:", "data:")):
        page_errors.append(f"request to a third party: {url}")
