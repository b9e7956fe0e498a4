"""Tabs in step, and what happens when the connection is cut: it asks, says so quietly, and returns."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import OpenStudio
from tests.browser.studio import SOON, Studio, expect_status, put_jobs
from tests.stack.client import User


class Line:
    """The way of the page's WebSocket, which a test cuts and mends."""

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
        """Nothing gets through any more."""
        self._is_cut = True
        while self._open:
            self._open.pop().close()

    def mend(self) -> None:
        """Whoever tries again gets through; the browser tells the page so."""
        self._is_cut = False
        self._page.evaluate("dispatchEvent(new Event('online'))")


@pytest.mark.complains("404")  # a tab may look a job up in the moment in which the other deletes it
def test_two_tabs_of_a_browser_are_in_step(studio: Studio, context: BrowserContext) -> None:
    other = Studio(context.new_page())
    other.page.goto("/")
    studio.wait_until_live()
    other.wait_until_live()
    card = studio.ask("Seen in both")
    expect_status(card, "completed")
    expect_status(other.card("Seen in both"), "completed")
    other.delete(other.card("Seen in both"))
    expect(studio.cards).to_have_count(0)


def test_another_browser_of_the_same_user_sees_it_move(studio: Studio, open_studio: OpenStudio) -> None:
    other = open_studio()
    studio.wait_until_live()
    other.wait_until_live()
    studio.ask("Seen elsewhere", seconds=60)
    other.card("Seen elsewhere").get_by_role("button", name="Cancel").click()
    expect_status(studio.card("Seen elsewhere"), "cancelled")


def test_nobody_sees_anothers(studio: Studio, open_context: Callable[..., BrowserContext], stranger: User) -> None:
    other = Studio(open_context(stranger).new_page())
    other.page.goto("/")
    studio.wait_until_live()
    other.wait_until_live()
    expect_status(studio.ask("For me alone"), "completed")
    expect(other.cards).to_have_count(0)


def test_a_cut_connection_falls_back_to_asking_and_returns(page: Page) -> None:
    line = Line(page)
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    line.cut()
    expect(studio.mode).to_have_text("Every few seconds")
    expect(studio.banner).to_have_text("Live updates are interrupted. Looking every few seconds instead.")
    expect_status(studio.ask("Made meanwhile"), "completed")
    line.mend()
    studio.wait_until_live()
    expect(studio.banner).to_have_text("Live again.")
    expect(studio.banner).not_to_have_class("banner shown", timeout=SOON)
    expect_status(studio.ask("Made thereafter"), "completed")


def test_what_happened_while_it_was_cut_is_made_up_for(page: Page, user: User) -> None:
    line = Line(page)
    page.goto("/")
    studio = Studio(page)
    studio.wait_until_live()
    card = studio.ask("Ends unseen")
    line.cut()
    user.wait(user.call("GET", "/api/videos").data["items"][0]["jobId"])
    line.mend()
    expect_status(card, "completed")


def test_without_any_connection_everything_works_all_the_same(page: Page) -> None:
    Line(page).cut()
    page.goto("/")
    studio = Studio(page)
    expect_status(studio.ask("By asking alone"), "completed")
    expect(studio.mode).to_have_text("Every few seconds")


def test_a_page_whose_cookie_reaches_no_connection_gets_in_by_a_ticket(page: Page) -> None:
    asked: list[str] = []

    def refuse_the_first(route: WebSocketRoute) -> None:
        asked.append(route.url)
        if len(asked) == 1:
            route.close()
        else:
            route.connect_to_server()

    page.route_web_socket(lambda _: True, refuse_the_first)
    page.goto("/")
    Studio(page).wait_until_live()
    assert "?ticket=" in asked[-1]


def test_the_list_is_there_before_the_connection_is(page: Page, user: User) -> None:
    Line(page).cut()
    put_jobs(user, [{"prompt": "An old one"}])
    page.goto("/")
    expect(Studio(page).card("An old one")).to_be_visible()
