"""Generator of the README's screenshots of the studio, taken in a browser on a running system.

    make screenshots

It starts its own system, which the caller stops, and writes `studio-empty.webp`, `-working`, `-done`, `-failed`,
`-phone` and `-dark` to docs/images.
"""

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from localcloud.config import CloudConfig
from localcloud.local_sessions import USERS
from localcloud.stack import Stack
from localcloud.system import bring_up

PICTURES = Path(__file__).parents[1] / "docs" / "images"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1360, "height": 850}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True}
QUALITY = 82
PATIENCE = 120_000
SETTLED = 1500
"""Milliseconds until every transition of the page has ended."""

VIDEOS = [
    ("A lighthouse hums to the moon", "calm", "9:16", 6),
    ("Deep space, distant galaxies", "background", "4:3", 8),
    ("Lavender fields in the summer wind", "calm", "16:9", 6),
    ("A paper boat sails through a thunderstorm of confetti", "fun", "16:9", 8),
]
LONG_ONE = ("Ten small robots learn to dance", "fun", "16:9", 60)


def main() -> None:
    """Start the local system, take screenshots of the studio in Chromium, and save them in docs/images.

    The caller stops the system.

    Raises:
        SystemExit: If Chromium is not installed.
        LocalCloudError: If the system does not start.
        BotoCoreError, ClientError: If the local AWS reports an error or does not respond during the start.
        playwright.sync_api.Error: If a part of the page does not appear in time or the browser fails.
        PyMongoError: If the database does not respond.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium was not found. On Debian and Ubuntu:  apt-get install chromium")
    stack = bring_up(CloudConfig.from_environment())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        take_pictures(browser, stack)
        browser.close()


def take_pictures(browser: Browser, stack: Stack) -> None:
    """Save a screenshot of each state of the page in docs/images, which creates jobs in the system.

    Later screenshots show the videos of earlier ones, so the system should be empty.

    Raises:
        playwright.sync_api.Error: If a part of the page does not appear in time or the browser fails.
        PyMongoError: If the database does not respond.
    """
    with open_page(browser, stack, "Grace", **DESKTOP) as page:
        page.get_by_text("Nothing here yet.").wait_for()
        save(page, "empty")
    with open_page(browser, stack, "Ada", **DESKTOP) as page:
        for video in VIDEOS:
            ask(page, *video)
            page.locator(".card[data-status=completed]").first.wait_for(timeout=PATIENCE)
            wait_for(page, "() => !document.querySelector('.card:not([data-status=completed])')")
        save(page, "done")
        ask(page, *LONG_ONE)
        wait_for(page, "() => Number(document.querySelector('.percent').textContent) > 40")
        save(page, "working")
        wait_for(page, "() => !document.querySelector('.card:not([data-status=completed])')")
    put_failure(stack)
    with open_page(browser, stack, "Ada", **DESKTOP) as page:
        save(page, "failed", lambda: page.locator(".card[data-status=failed]").scroll_into_view_if_needed())
    with open_page(browser, stack, "Ada", **DESKTOP, color_scheme="dark") as page:
        save(page, "dark")
    with open_page(browser, stack, "Ada", **PHONE) as page:
        save(page, "phone", lambda: page.locator("#yours").evaluate("it => scrollTo(0, it.offsetTop - 16)"))


@contextmanager
def open_page(browser: Browser, stack: Stack, user: str, **options: Any) -> Iterator[Page]:
    """Yield the studio's page, signed in as a sample user (`Ada`, `Grace` or `Katherine`) and with a live connection.

    `options` are those of the browser context, such as `viewport`. The context is closed after the block.

    Raises:
        playwright.sync_api.Error: If the page can't be opened, or is not connected within 120 s (`TimeoutError`).
    """
    context = browser.new_context(base_url=stack.web_url, **options)
    context.request.post("/dev/login", form={"user": USERS[user]})
    page = context.new_page()
    page.goto("/")
    page.locator("#mode[data-mode=live]").wait_for(timeout=PATIENCE)
    yield page
    context.close()


def ask(page: Page, prompt: str, style: str, shape: str, seconds: float) -> None:
    """Submit the form for a new video, and wait until the video is on the page; it need not be completed then.

    `shape` is the aspect ratio, such as `16:9`.

    Raises:
        playwright.sync_api.Error: If the form is not as expected, or the video does not appear within 120 s
            (`TimeoutError`).
    """
    page.locator("#prompt").fill(prompt)
    page.locator(f"[name=style][value={style}]").check()
    page.locator(f"[name=aspectRatio][value='{shape}']").check()
    page.locator("#duration").fill(str(seconds))
    page.get_by_role("button", name="Make the video").click()
    page.get_by_role("article", name=prompt).wait_for(timeout=PATIENCE)


def put_failure(stack: Stack) -> None:
    """Insert a failed job of the sample user `Ada` in the database, because the built-in provider never fails.

    Raises:
        PyMongoError: If the database does not respond.
    """
    at = datetime.now(UTC) - timedelta(seconds=50)
    job = {
        "userId": ObjectId(USERS["Ada"]),
        "prompt": "A very famous mouse tap-dances",
        "style": "fun",
        "duration": 12,
        "aspectRatio": "1:1",
        "status": "failed",
        "videoUrl": None,
        "errorMessage": "The provider refused this prompt. Please describe something else.",
        "createdAt": at,
        "updatedAt": at,
    }
    with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri) as client:
        client.get_default_database()["videojobs"].insert_one(job)


def wait_for(page: Page, condition: str) -> None:
    """Wait until the JavaScript function `condition` returns a true value in the page.

    Raises:
        playwright.sync_api.Error: If it does not within 120 s (`TimeoutError`), or if the function throws.
    """
    page.wait_for_function(condition, timeout=PATIENCE)


def save(page: Page, name: str, prepare: Callable[[], object] = lambda: None) -> None:
    """Save a screenshot of the window as docs/images/studio-NAME.webp.

    It is taken after the network is idle, `prepare` has run and transitions have ended.

    Raises:
        playwright.sync_api.Error: If the network is not idle within 30 s (`TimeoutError`) or the browser fails.
    """
    page.wait_for_load_state("networkidle")
    prepare()
    page.wait_for_timeout(SETTLED)
    Image.open(io.BytesIO(page.screenshot())).save(PICTURES / f"studio-{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
