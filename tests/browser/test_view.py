"""The view of one video: its address, what it shows, and the way back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.studio import Studio, expect_status, put_jobs
from tests.browser.test_access import find_violations
from tests.stack.client import User
from videojobs.domain.job import JobStatus

LONG = "A choir of toasters sings at dawn while a small orange cat conducts them. " * 13
FAILED = {"prompt": LONG.strip(), "status": JobStatus.FAILED}
VIDEO = {"prompt": "A kite", "status": JobStatus.COMPLETED, "video_url": "https://videos.example/a.mp4"}
SHARE = "navigator.share = ({url}) => (window.shared = url, %s)"
CLOSED, REFUSED = (f"Promise.reject(new DOMException('', '{name}'))" for name in ("AbortError", "NotAllowedError"))
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def test_view_shows_the_whole_prompt_and_the_properties_of_the_file(studio: Studio, page: Page) -> None:
    studio.wait_until_live()
    card = studio.submit("A kite over the sea", seconds=1)
    expect_status(card, "completed")
    card.get_by_role("link", name="A kite over the sea").click()
    view = page.get_by_role("dialog", name="A kite over the sea")
    expect(view).to_contain_text("Calm · 1 s · 16:9")
    expect(view).to_contain_text("pixels ·")
    expect(view.locator("time")).to_contain_text(" at ")
    expect(view.locator(".poster")).to_have_class("poster ready")
    assert find_violations(page) == []
    view.get_by_role("button", name="Use again").click()
    expect(view).to_be_hidden()
    expect(studio.prompt).to_have_value("A kite over the sea")
    expect(studio.prompt).to_be_focused()


def test_view_has_an_address_that_survives_reload_and_back(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [FAILED])
    page.goto("/")
    studio, view = Studio(page), page.locator("#view")
    card = studio.card(f"{LONG[:79]}…")
    card.get_by_role("link").click()
    expect(view).to_contain_text(LONG.strip())
    assert page.url.endswith(f"#/videos/{job_id}")
    page.reload()
    expect(view).to_contain_text(LONG.strip())
    page.set_viewport_size({"width": 320, "height": 640})
    assert not studio.is_wider_than_the_screen()
    assert view.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    assert "#" not in page.url
    card.get_by_role("link").click()
    expect(view).to_be_visible()
    page.go_back()
    expect(view).to_be_hidden()


def test_link_of_a_video_opens_it_for_its_owner_after_sign_in(
    open_context: Callable[..., BrowserContext], user: User, page_errors: list[str]
) -> None:
    put_jobs(user, [VIDEO | {"prompt": LONG.strip()}])
    page = open_context(user, **CLIPBOARD).new_page()
    page.goto("/")
    page.get_by_role("button", name="Copy link").click()
    expect(Studio(page).banner).to_have_text("Link copied. It opens this video when you’re signed in.")
    link = page.evaluate("navigator.clipboard.readText()")
    visitor = open_context().new_page()
    visitor.goto(link)
    visitor.get_by_role("link", name="Sign in").click()
    visitor.get_by_text("For developers").click()
    visitor.locator("[name=user]:not(button)").fill(user.id)
    visitor.locator("[name=user]:not(button)").press("Enter")
    expect(visitor.locator("#view")).to_contain_text(LONG.strip())
    assert [error for error in page_errors if "401" not in error] == []
    page_errors.clear()


@pytest.mark.complains("404", "403")
@pytest.mark.parametrize("path", ["0" * 24, "not-an-id"])
def test_address_of_no_video_shows_the_list(page: Page, user: User, path: str) -> None:
    put_jobs(user, [{"prompt": "Mine"}])
    page.goto(f"/#/videos/{path}")
    studio = Studio(page)
    expect(studio.card("Mine")).to_be_visible()
    expect(page.locator("#view")).to_be_hidden()
    expect(page).to_have_url("/")


def test_deleting_in_the_view_leads_back_to_the_list(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": "One"}, {"prompt": "Two"}])
    page.goto("/")
    studio = Studio(page)
    studio.card("One").get_by_role("link").click()
    page.locator("#view").get_by_role("button", name="Delete").click()
    page.locator("#sure").get_by_role("button", name="Delete").click()
    expect(page.locator("#view")).to_be_hidden()
    expect(studio.cards).to_have_count(1)


def test_copying_that_the_browser_blocks_names_another_way(page: Page, user: User) -> None:
    put_jobs(user, [VIDEO])
    page.add_init_script("navigator.clipboard.write = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
    page.goto("/")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("alert").filter(has_text="Your browser blocked copying.")).to_be_visible()


def test_arrow_keys_show_the_newer_and_the_older_video(page: Page, user: User) -> None:
    prompts = ("New", "Middle", "Old")
    ids = dict(zip(prompts, put_jobs(user, ({"prompt": prompt} for prompt in prompts)), strict=True))
    page.goto("/")
    view = page.locator("#view")
    Studio(page).card("Middle").get_by_role("link").click()
    expect(view.get_by_role("button", name="Close")).to_be_focused()
    for key, prompt in (("Left", "New"), ("Left", "New"), ("Right", "Middle"), ("Right", "Old"), ("Right", "Old")):
        page.keyboard.press(f"Arrow{key}")
        expect(page.get_by_role("dialog", name=prompt)).to_be_visible()
        expect(page).to_have_url(f"/#/videos/{ids[prompt]}")
        expect(view.get_by_role("button", name="Close")).to_be_focused()
    view.get_by_role("button", name="Delete").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("dialog", name="Middle").get_by_role("button", name="Delete")).to_be_focused()
    page.go_back()
    expect(view).to_be_hidden()
    expect(page).to_have_url("/")


@pytest.mark.complains("Content Security Policy")
def test_arrow_keys_of_the_player_show_no_other_video(page: Page, user: User) -> None:
    job_id, _ = put_jobs(user, [VIDEO, VIDEO | {"prompt": "Older"}])
    page.goto(f"/#/videos/{job_id}")
    view = page.get_by_role("dialog", name="A kite")
    view.get_by_role("button", name="Play").click()
    expect(view.locator("video")).to_be_focused()
    page.keyboard.press("ArrowRight")
    view.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(page).to_have_url(f"/#/videos/{job_id}")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="Older").get_by_role("button", name="Delete")).to_be_focused()


@pytest.mark.parametrize(
    ("outcome", "banner"),
    [("Promise.resolve()", "Link shared. It opens"), (CLOSED, ""), (REFUSED, "Link copied. It opens")],
)
def test_link_is_shared_where_the_browser_can_share(
    open_context: Callable[..., BrowserContext], user: User, outcome: str, banner: str
) -> None:
    [job_id] = put_jobs(user, [VIDEO])
    page = open_context(user, **CLIPBOARD).new_page()
    page.add_init_script(SHARE % outcome)
    page.goto("/")
    page.get_by_role("button", name="Share link").click()
    page.wait_for_function("() => window.shared")
    assert page.evaluate("shared").endswith(f"/#/videos/{job_id}")
    expect(Studio(page).banner).to_contain_text(banner)
    expect(page.locator(".problem").filter(has_text="blocked")).to_have_count(0)


@pytest.mark.complains("404")
def test_public_link_of_a_deleted_video_is_neither_shared_nor_copied(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [VIDEO])
    page.add_init_script(SHARE % "Promise.resolve()")
    page.goto(f"/#/videos/{job_id}")
    button = page.get_by_role("button", name="Share public link")
    expect(button).to_be_visible()
    user.call("DELETE", f"/api/videos/{job_id}")
    button.click()
    expect(Studio(page).banner).to_have_text("This video was deleted.")
    assert not page.evaluate("window.shared")
