"""A browser, and the studio of the deployed local system open in it, signed in as somebody new."""

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
    """Debian's Chromium, on an empty profile."""
    found = shutil.which("chromium")
    if found is None:
        missing("Chromium is not installed: `apt-get install chromium` does it")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page said on the console, or asked of others."""
    return []


@pytest.fixture
def open_context(
    browser: Browser, stack: Stack, complaints: list[str], request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of somebody's own, signed in where a user is given; it may say what `complains` expects."""
    expected = [word for mark in request.node.iter_markers("complains") for word in mark.args]
    opened: list[BrowserContext] = []

    def open_one(user: User | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, "base_url": stack.web_url, **options})
        opened.append(context)
        context.set_default_timeout(60_000)
        context.on("console", lambda message: _note(message, complaints))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", lambda request: _refuse_strangers(request.url, complaints))
        if user:
            context.request.post("/dev/login", form={"user": user.id})
        return context

    yield open_one
    for context in opened:
        context.close()
    assert [each for each in complaints if not any(word in each for word in expected)] == []


@pytest.fixture
def context(open_context: Callable[..., BrowserContext], user: User) -> BrowserContext:
    """The user's browser."""
    return open_context(user)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab of it, with nothing loaded."""
    return context.new_page()


@pytest.fixture
def studio(page: Page) -> Studio:
    """The studio in that tab."""
    page.goto("/")
    return Studio(page)


@pytest.fixture
def open_studio(open_context: Callable[..., BrowserContext], user: User) -> OpenStudio:
    """Opens the studio in another browser of the same user."""

    def open_one(path: str = "/", **options: Any) -> Studio:
        page = open_context(user, **options).new_page()
        page.goto(path)
        return Studio(page)

    return open_one


def _note(message: ConsoleMessage, complaints: list[str]) -> None:
    if message.type in {"error", "warning"}:
        complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")


def _refuse_strangers(url: str, complaints: list[str]) -> None:
    if urlsplit(url).hostname != "127.0.0.1" and not url.startswith(("blob:", "data:")):
        complaints.append(f"asked a third party: {url}")
