"""The form: submission, validation while typing, progress and playback."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.studio import SOON, Studio, expect_status, put_jobs
from tests.stack.client import User
from videojobs.domain.job import JobStatus

WATCH = """window.seen = [];
new MutationObserver(() => {
  const card = document.querySelector(".card");
  if (card) seen.push(card.dataset.status + card.querySelector(".percent").textContent);
}).observe(document.getElementById("cards"), {subtree: true, childList: true, attributes: true})"""


def test_submitted_prompt_becomes_a_playable_video_without_a_reload(studio: Studio) -> None:
    studio.wait_until_live()
    studio.page.evaluate("window.mark = 'still the same page'")
    card = studio.submit("A kite over the sea", seconds=2)
    expect_status(card, "completed")
    expect(card.locator(".poster")).to_have_js_property("complete", value=True)
    assert card.locator(".poster").evaluate("image => image.naturalWidth") > 100
    card.get_by_role("button", name="Play “\u2068A kite over the sea\u2069”").click()
    playing = "() => document.querySelector('video:not([hidden])').currentTime > 0.5"
    studio.page.wait_for_function(playing, timeout=SOON)
    assert card.locator("video").evaluate("video => [video.duration, video.videoWidth > 0]") == [2, True]
    assert studio.page.evaluate("window.mark") == "still the same page"


def test_new_job_appears_at_once_and_its_progress_only_rises(studio: Studio) -> None:
    studio.wait_until_live()
    studio.page.evaluate(WATCH)
    expect_status(studio.submit("A long walk", seconds=20), "completed")
    seen = list(dict.fromkeys(studio.page.evaluate("seen")))
    assert seen[0] in {"queued", "processing"}
    assert seen[-1] == "completed"
    steps = [int(state.removeprefix("processing")) for state in seen if re.fullmatch(r"processing\d+", state)]
    assert len(steps) > 2, seen
    assert steps == sorted(steps)


def test_completion_is_announced_to_screen_readers(studio: Studio) -> None:
    studio.wait_until_live()
    studio.submit("A bell")
    expect(studio.news).to_have_text("Done: A bell", timeout=SOON)


def test_double_click_submits_once_and_the_form_is_cleared(studio: Studio, user: User) -> None:
    studio.prompt.fill("Only once")
    studio.make.dblclick()
    expect(studio.card("Only once")).to_be_visible()
    expect(studio.prompt).to_have_value("")
    studio.submit("And another")
    assert len(user.call("GET", "/api/videos").data["items"]) == 2


def test_characters_are_counted_as_the_api_counts_them(studio: Studio) -> None:
    for prompt, counter in (
        ("", "0 of 1,000 characters"),
        ("A boat", "6 of 1,000 characters"),
        ("⛵" * 1000, "1,000 of 1,000 characters"),
        ("👩‍🚀" * 334, "2 over the limit of 1,000"),
    ):
        studio.prompt.fill(prompt)
        expect(studio.page.locator("#prompt-count")).to_have_text(counter)


def test_invalid_input_is_not_submitted(studio: Studio) -> None:
    for field, value, message in (
        ("prompt", " \n ", "Describe what you want to see."),
        ("prompt", "a" * 1001, "That’s 1 character too long."),
        ("duration", "0", "Enter a length from 1 to 60 seconds."),
        ("duration", "60.5", "Enter a length from 1 to 60 seconds."),
        ("duration", "", "Enter a length from 1 to 60 seconds."),
    ):
        studio.page.reload()
        studio.prompt.fill("A boat")
        control = studio.page.locator(f"#{field}")
        control.fill(value)
        studio.make.click()
        expect(studio.page.locator(f"#{field}-error")).to_have_text(message)
        expect(control).to_be_focused()
        expect(control).to_have_attribute("aria-invalid", "true")
        expect(studio.cards).to_have_count(0)


def test_slider_and_number_field_stay_in_sync(studio: Studio) -> None:
    studio.page.locator("#duration").fill("12.5")
    expect(studio.page.locator("#slider")).to_have_value(re.compile("1[23]"))
    studio.page.locator("#slider").fill("40")
    expect(studio.page.locator("#duration")).to_have_value("40")


def test_fractional_duration_is_submitted(studio: Studio, user: User) -> None:
    studio.submit("A blink", seconds=1.5)
    assert [job["duration"] for job in user.call("GET", "/api/videos").data["items"]] == [1.5]


@pytest.mark.complains("400")
def test_validation_error_of_the_api_is_shown_at_its_field(studio: Studio) -> None:
    details = [
        {"field": "prompt", "message": "Contains an unpaired surrogate, which is not a valid character. Remove it."}
    ]
    error = {"code": "VALIDATION_ERROR", "message": "The request is not valid.", "details": details}
    response = {"success": False, "error": error, "requestId": "r"}
    studio.page.route("**/api/videos/generate", lambda route: route.fulfill(status=400, json=response))
    studio.prompt.fill("A boat")
    studio.make.click()
    expect(studio.page.locator("#prompt-error")).to_have_text(details[0]["message"])
    expect(studio.prompt).to_have_value("A boat")


def test_empty_gallery_suggests_prompts(studio: Studio) -> None:
    expect(studio.page.get_by_text("Nothing here yet.")).to_be_visible()
    studio.page.get_by_role("button", name="A lighthouse hums to the moon").click()
    expect(studio.prompt).to_be_focused()
    expect(studio.prompt).to_have_value("A lighthouse hums to the moon")
    expect(studio.page.get_by_label("9:16")).to_be_checked()
    studio.make.click()
    expect(studio.page.get_by_text("Nothing here yet.")).to_be_hidden()


@pytest.mark.complains("403")
def test_expired_video_url_is_refreshed_on_playback(studio: Studio, page: Page) -> None:
    studio.wait_until_live()
    card = studio.submit("A flag")
    expect_status(card, "completed")
    urls: list[str] = []

    def refuse_once(route: Route) -> None:
        urls.append(route.request.url)
        if len(urls) == 1:
            route.fulfill(status=403)
        else:
            route.fallback()

    page.route("**/videos/**.mp4?**", refuse_once)
    card.get_by_role("button", name="Play").click()
    has_picture = "() => document.querySelector('video:not([hidden])').readyState >= 2"
    page.wait_for_function(has_picture, timeout=SOON)
    assert len(urls) > 1


@pytest.mark.complains("Content Security Policy")
def test_video_that_can_not_be_played_shows_an_alert(page: Page, user: User, page_errors: list[str]) -> None:
    put_jobs(user, [{"status": JobStatus.COMPLETED, "video_url": "https://videos.example/a.mp4"}])
    page.goto("/")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("alert").filter(has_text="won’t play here")).to_be_visible()
    assert any("Content Security Policy" in error for error in page_errors)
