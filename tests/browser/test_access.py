"""Accessibility: keyboard, screen readers, small screens, dark color scheme and reduced motion."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenStudio
from tests.browser.studio import Studio, expect_status, put_jobs
from tests.stack.client import User
from videojobs.domain.job import JobStatus
from videojobs.domain.request import AspectRatio, Style

LONG = "A choir of toasters sings at dawn while a small orange cat conducts them with a wooden spoon " * 10
SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 200);
})"""
STILL = """Promise.all(
  document.getAnimations().filter((it) => it.effect.getTiming().iterations === 1).map((it) => it.finished)
)"""
RING = """[document.activeElement, document.activeElement.closest("label")].some((element) => {
  const style = element && getComputedStyle(element);
  return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
})"""
ZOOMED = {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4, "reduced_motion": "reduce"}
"""A window of 1280 x 1024 pixels at a zoom of 400 %."""
CONTROLS = ":is(a[href], button, input, select, summary, textarea)"
COVERED = """(scope) => [...document.querySelectorAll(scope)].filter((control) => {
  if (!control.checkVisibility()) return false;
  control.focus();
  control.scrollIntoView({block: "nearest", inline: "nearest"});  // the row of filters scrolls
  const {x, y, width, height} = control.getClientRects()[0];
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  return document.activeElement !== control || !top || !control.contains(top);
}).map((control) => control.outerHTML)"""
THEME = "[...document.querySelectorAll('[name=theme-color]')].find((it) => matchMedia(it.media).matches).content"
PAINT = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"


def put_every_kind(user: User) -> None:
    """Store a job of each status and shape."""
    good = {"video_url": "https://videos.example/a.mp4", "aspect_ratio": AspectRatio.SQUARE, "style": Style.BACKGROUND}
    put_jobs(
        user,
        [
            {"prompt": "Waiting", "status": JobStatus.QUEUED},
            {"prompt": "Moving", "status": JobStatus.PROCESSING, "progress": 0.4},
            {"prompt": "Bad", "style": Style.CALM},
            {"prompt": LONG[:1000].strip(), "status": JobStatus.CANCELLED, "aspect_ratio": AspectRatio.PORTRAIT},
            {"prompt": "Good", "status": JobStatus.COMPLETED, **good},
        ],
    )


def find_violations(page: Page) -> list[Any]:
    """Return the violations that axe-core finds, after all animations have finished."""
    page.evaluate(STILL)
    violations = Axe().run(page).response["violations"]
    return [(it["id"], it["impact"], [node["html"][:120] for node in it["nodes"]]) for it in violations]


def list_violations_by_scheme(page: Page) -> dict[str, list[Any]]:
    """Return the violations in the light and in the dark color scheme."""
    violations = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        violations[scheme] = find_violations(page)
    return violations


def test_full_gallery_has_no_axe_violations(open_studio: OpenStudio, user: User) -> None:
    put_every_kind(user)
    studio = open_studio()
    expect(studio.cards).to_have_count(5)
    assert list_violations_by_scheme(studio.page) == {"light": [], "dark": []}


def test_empty_gallery_with_a_form_error_has_no_axe_violations(studio: Studio) -> None:
    expect(studio.page.get_by_text("Nothing here yet.")).to_be_visible()
    studio.make.click()
    expect(studio.page.locator("#prompt-error")).not_to_be_empty()
    assert list_violations_by_scheme(studio.page) == {"light": [], "dark": []}


def test_deletion_dialog_has_no_axe_violations(page: Page, user: User) -> None:
    put_jobs(user, [{}])
    page.goto("/")
    page.get_by_role("button", name="Delete").click()
    assert find_violations(page) == []


def test_every_action_is_possible_with_the_keyboard(page: Page) -> None:
    page.goto("/")
    studio, keys = Studio(page), page.keyboard
    studio.wait_until_live()
    press_until(page, "Tab", "prompt")
    keys.type("By keys alone")
    press_until(page, "Tab", "style")
    keys.press("ArrowRight")
    press_until(page, "Tab", "duration")
    keys.press("ControlOrMeta+A")
    keys.type("45")
    press_until(page, "Shift+Tab", "prompt")
    keys.press("Control+Enter")
    card = studio.card("By keys alone")
    expect(card).to_contain_text("Calm · 45 s · 16:9")
    expect(studio.prompt).to_be_focused()
    press_until(page, "Tab", "cancel")
    keys.press("Enter")
    expect_status(card, "cancelled")
    press_until(page, "Tab", "remove")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(card).to_have_count(0)
    expect(page.get_by_role("heading", name="Your videos")).to_be_focused()


def press_until(page: Page, key: str, name: str) -> None:
    """Press a key until the control with this name or `data-action` has the focus. Assert that the focus is visible."""
    for _ in range(30):
        page.keyboard.press(key)
        if page.evaluate("document.activeElement.name || document.activeElement.dataset.action") == name:
            break
    else:
        raise AssertionError(f"{name} can't be reached by {key}")
    assert page.evaluate(RING), f"{name} has no visible focus"


def test_page_never_scrolls_horizontally(page: Page, user: User) -> None:
    put_every_kind(user)
    put_jobs(user, [{"prompt": "W" * 1000, "error_message": "An explanation of many words. " * 12}])
    studio = Studio(page)
    for width in (320, 360, 768, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        page.goto("/")
        expect(studio.cards).to_have_count(6)
        assert not studio.is_wider_than_the_screen(), f"at a width of {width} px"


@pytest.mark.complains("401", "WebSocket")
def test_every_control_is_reachable_at_a_zoom_of_400_percent(open_studio: OpenStudio, user: User) -> None:
    put_every_kind(user)
    studio = open_studio(**ZOOMED)
    page = studio.page
    expect(studio.cards).to_have_count(5)
    studio.make.click()  # with errors, the form is longer
    assert page.evaluate(COVERED, CONTROLS) == []
    assert not studio.is_wider_than_the_screen()
    studio.card("Good").get_by_role("link").click()
    for dialog in (page.locator("#view"), page.locator("#sure")):
        expect(dialog).to_be_visible()
        assert page.evaluate(COVERED, f"#{dialog.get_attribute('id')} {CONTROLS}") == []
        assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
        assert not studio.is_wider_than_the_screen()
        dialog.get_by_role("button", name="Delete").click()
    expect(studio.cards).to_have_count(4)
    page.context.clear_cookies()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.evaluate(COVERED, CONTROLS) == []
    assert not studio.is_wider_than_the_screen()


@pytest.mark.parametrize("width", [1280, 2560, 3440])
def test_header_is_aligned_with_the_content(studio: Studio, width: int) -> None:
    studio.page.set_viewport_size({"width": width, "height": 900})
    expect(studio.page.locator("#sign-out")).to_be_visible()
    edges = """(selector) => {
      const {left, right} = document.querySelector(selector).getBoundingClientRect();
      return {left, right};
    }"""
    name, prompt, account, gallery = (
        studio.page.evaluate(edges, part) for part in (".name", "#prompt", "#sign-out", ".gallery")
    )
    assert name["left"] == pytest.approx(prompt["left"], abs=1)
    assert account["right"] == pytest.approx(gallery["right"], abs=1)


def test_new_job_on_a_phone_is_in_view_and_large_enough_to_tap(open_studio: OpenStudio) -> None:
    studio = open_studio(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    studio.wait_until_live()
    card = studio.submit("In the hand", seconds=60)
    expect(card.locator(".mat")).to_be_in_viewport()
    button = card.get_by_role("button", name="Cancel")
    box = button.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    button.tap()
    expect_status(card, "cancelled")


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_page_follows_prefers_color_scheme(open_studio: OpenStudio, scheme: str, is_dark: bool) -> None:
    studio = open_studio(color_scheme=scheme)
    paint = studio.page.evaluate(PAINT)
    assert (max(paint) < 60) is is_dark
    assert bytes(paint) == bytes.fromhex(studio.page.evaluate(THEME).removeprefix("#"))


def test_layout_does_not_shift_while_a_job_progresses(studio: Studio) -> None:
    studio.wait_until_live()
    card = studio.submit("Steady", seconds=4)
    expect_status(card, "completed")
    expect(card.locator(".poster")).to_have_js_property("complete", value=True)
    assert studio.page.evaluate(SHIFTS) < 0.01


def test_page_has_no_animation_with_reduced_motion(open_studio: OpenStudio, user: User) -> None:
    put_every_kind(user)
    studio = open_studio(reduced_motion="reduce")
    expect(studio.cards).to_have_count(5)
    studio.cards.first.hover()
    assert studio.page.evaluate("document.getAnimations().length") == 0
