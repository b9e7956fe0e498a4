"""Live updates between tabs and browsers, and polling while the connection is interrupted."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import OpenStudio
from tests.browser.studio import SOON, Studio, expect_status, put_jobs
from tests.stack.client import User


class Line:
    """The network path of the page's WebSocket, which a test can cut and restore."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: list[WebSocketRoute] = []
        self._is_cut = False
        page.route_web_socket(lambda _: True, self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        if self._is_cut:
            route.close()
        else:
            route.connect_to_server()
            self._open.append(route)

    def cut(self) -> None:
        """Close all connections and reject new ones."""
        self._is_cut = True
        while self._open:
            self._open.pop().close()

    def restore(self) -> None:
        """Accept connections again, and send the page the browser's event `online`."""
        self._is_cut = False
        self._page.evaluate("dispatchEvent(new Event('online'))")


@pytest.mark.complains("404")  # a tab can read a job at the moment at which the other tab deletes it
def test_two_tabs_of_a_browser_show_the_same_jobs(studio: Studio, context: BrowserContext) -> None:
    other = Studio(context.new_page())
    other.page.goto("/")
    studio.wait_until_live()
    other.wait_until_live()
    card = studio.submit("Seen in both")
    expect_status(card, "completed")
    expect_status(other.card("Seen in both"), "completed")
    other.delete(other.card("Seen in both"))
    expect(studio.cards).to_have_count(0)


def test_another_browser_of_the_same_user_receives_updates(studio: Studio, open_studio: OpenStudio) -> None:
    other = open_studio()
    studio.wait_until_live()
    other.wait_until_live()
    studio.submit("Seen elsewhere", seconds=60)
    other.card("Seen elsewhere").get_by_role("button", name="Cancel").click()
    expect_status(studio.card("Seen elsewhere"), "cancelled")


def test_another_user_sees_no_job_of_the_user(
    studio: Studio, open_context: Callable[..., BrowserContext], stranger: User
) -> None:
    other = Studio(open_context(stranger).new_page())
    other.page.goto("/")
    studio.wait_until_live()
    other.wait_until_live()
    expect_status(studio.submit("For me alone"), "completed")
    expect(other.cards).to_have_count(0)


def test_page_polls_while_disconnected_and_reconnects(page: Page) -> None:
    line = Line(page)
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    line.cut()
    expect(studio.mode).to_have_text("Updating every few seconds")
    expect(studio.banner).to_have_text("Live updates are paused. Checking every few seconds.")
    expect_status(studio.submit("Made meanwhile"), "completed")
    line.restore()
    studio.wait_until_live()
    expect(studio.banner).to_have_text("Live updates are back.")
    expect(studio.banner).not_to_have_class("banner shown", timeout=SOON)
    expect_status(studio.submit("Made thereafter"), "completed")


def test_change_during_a_disconnection_is_shown_after_reconnecting(page: Page, user: User) -> None:
    line = Line(page)
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    card = studio.submit("Ends unseen")
    line.cut()
    user.wait(user.call("GET", "/api/videos").data["items"][0]["jobId"])
    line.restore()
    expect_status(card, "completed")


def test_page_works_without_any_connection(page: Page) -> None:
    Line(page).cut()
    page.goto("/")
    studio = Studio(page)
    expect_status(studio.submit("By asking alone"), "completed")
    expect(studio.mode).to_have_text("Updating every few seconds")


def test_page_connects_with_a_ticket_if_the_cookie_is_rejected(page: Page) -> None:
    urls: list[str] = []

    def refuse_the_first(route: WebSocketRoute) -> None:
        urls.append(route.url)
        if len(urls) == 1:
            route.close()
        else:
            route.connect_to_server()

    page.route_web_socket(lambda _: True, refuse_the_first)
    page.goto("/")
    Studio(page).wait_until_live()
    assert "?ticket=" in urls[-1]


def test_list_is_shown_before_the_connection_opens(page: Page, user: User) -> None:
    Line(page).cut()
    put_jobs(user, [{"prompt": "An old one"}])
    page.goto("/")
    expect(Studio(page).card("An old one")).to_be_visible()
