"""The page of docs/start/frontend.md: installed, type-checked, built, and driven against the deployed system."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from localcloud.stack import Stack
from tests.browser.studio import SOON, put_jobs
from tests.node import installed
from tests.servers import free_port
from tests.stack.client import User
from tools.client_types import CLIENT
from tools.node_packages import ROOT
from videojobs.domain.job import JobStatus

GUIDE = ROOT / "examples" / "react"
START_SECONDS = 60
LINK = "https://videos.example/a.mp4"
COMPLETED = {"prompt": "A kite over the sea", "status": JobStatus.COMPLETED, "video_url": LINK}
PLAYED = "(video) => { video.muted = true; return video.play().then(() => video.duration); }"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the packages of the guide and the packed client; return the folder of the guide."""
    installed(GUIDE)
    packed = tmp_path_factory.mktemp("client")
    run("npm", "pack", "--silent", "--pack-destination", packed, folder=CLIENT.parent)
    [archive] = packed.glob("*.tgz")
    run("npm", "install", "--no-save", "--no-package-lock", "--offline", "--no-audit", archive, folder=GUIDE)
    return GUIDE


def run(*command: str | Path, folder: Path) -> None:
    """Run the command in the folder, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def address(project: Path, stack: Stack) -> Iterator[str]:
    """Yield the address of Vite's development server, which forwards to the deployed system."""
    port = free_port()
    vite = [project / "node_modules" / ".bin" / "vite", "--host", "127.0.0.1", "--port", str(port), "--strictPort"]
    environment = {**os.environ, "VIDEO_JOBS_URL": stack.web_url, "NO_COLOR": "1"}
    output, server = subprocess.DEVNULL, None
    try:
        server = subprocess.Popen(vite, cwd=project, env=environment, stdout=output, stderr=output)
        wait_until_ready(server, f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
    finally:
        if server:
            server.kill()
            server.wait()


def wait_until_ready(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait until the development server responds."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (OSError, urllib.error.URLError):
            continue
        return
    pytest.fail(f"Vite does not respond at {url}")


@pytest.fixture
def page(open_context: Callable[..., BrowserContext], address: str, user: User) -> Page:
    """Return the page of the guide, of a user who has signed in with a token."""
    context = open_context(base_url=address)
    response = context.request.post("/dev/login", form={"token": user.token()})
    assert response.ok
    page = context.new_page()
    page.goto("/")
    return page


def test_project_is_type_checked_and_built(project: Path) -> None:
    run("npm", "run", "build", folder=project)


def test_video_is_created_with_live_updates_and_plays(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=SOON)
    page.get_by_label("Prompt").fill("A kite over the sea")
    page.get_by_label("Seconds").fill("2")
    page.get_by_role("button", name="Create").click()
    card = page.get_by_role("article", name="A kite over the sea")
    expect(card).to_have_attribute("data-status", "completed", timeout=SOON)
    assert card.locator("video").evaluate(PLAYED) == pytest.approx(2, abs=0.5)
    page.reload()
    expect(card).to_have_attribute("data-status", "completed")


@pytest.mark.complains("400")
def test_invalid_fields_are_explained(page: Page) -> None:
    page.get_by_label("Seconds").fill("61")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_have_count(2)


@pytest.mark.complains("400")
def test_errors_of_selected_values_and_of_other_fields_are_explained(page: Page) -> None:
    page.get_by_label("Prompt").fill("A kite over the sea")
    page.get_by_label("Style").evaluate("(select) => { select.options[0].value = 'wrong'; }")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_contain_text("calm")
    details = [{"field": "body", "message": "The body is empty."}]
    error = {"code": "VALIDATION_ERROR", "message": "The request is invalid.", "details": details}
    response = {"success": False, "error": error, "requestId": "1"}
    page.route("**/api/videos/generate", lambda route: route.fulfill(status=400, json=response))
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert")).to_have_text("body: The body is empty.")


def test_page_shows_that_it_loads_until_the_first_list_has_arrived(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/videos?**", hold)
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Loading…")
    expect(page.get_by_role("button", name="Create")).to_be_hidden()
    for route in held:
        route.continue_()
    page.unroute("**/api/videos?**")
    expect(page.get_by_role("button", name="Create")).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
@pytest.mark.parametrize("action", ["create", "delete", "play"])
def test_action_without_a_session_leads_to_the_sign_in(page: Page, user: User, action: str) -> None:
    put_jobs(user, [COMPLETED])
    page.reload()
    card = page.get_by_role("article")
    expect(card).to_be_visible()
    page.context.request.post("/dev/logout")
    if action == "create":
        page.get_by_role("button", name="Create").click()
    elif action == "delete":
        card.get_by_role("button", name="Delete").click()
    else:
        card.locator("video").evaluate("(video) => { video.muted = true; video.play().catch(() => {}); }")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


@pytest.mark.complains("ERR_FAILED", "Failed to load")
def test_player_that_failed_can_play_again(page: Page, user: User) -> None:
    put_jobs(user, [COMPLETED])
    page.route("**/content", lambda route: route.abort())
    page.reload()
    video = page.get_by_role("article").locator("video")
    video.evaluate("(video) => { video.play().catch(() => {}); }")
    expect(page.get_by_role("status")).to_contain_text("Play it again.")
    assert video.evaluate("(video) => [video.error, video.paused]") == [None, True]


@pytest.mark.complains("404")
def test_job_that_was_deleted_elsewhere_disappears(page: Page, user: User) -> None:
    [job_id] = put_jobs(user, [{"prompt": "A kite over the sea"}])
    page.reload()
    card = page.get_by_role("article")
    expect(card).to_be_visible()
    assert page.context.request.delete(f"/api/videos/{job_id}").ok
    card.get_by_role("button", name="Delete").click()
    expect(card).to_be_hidden()


def test_refused_clipboard_shows_the_link(page: Page, user: User) -> None:
    put_jobs(user, [COMPLETED])
    page.reload()
    refuse = "() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError')); }"
    page.evaluate(refuse)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text(LINK)


def test_earlier_jobs_are_paged_without_gaps(page: Page, user: User) -> None:
    put_jobs(user, [{"prompt": f"Number {number}"} for number in range(120)])
    page.reload()
    expect(page.get_by_role("article")).to_have_count(50)
    for count in (100, 120):
        page.get_by_role("button", name="Earlier videos").click()
        expect(page.get_by_role("article")).to_have_count(count)
    expect(page.get_by_role("button", name="Earlier videos")).to_be_hidden()


@pytest.mark.complains("401", "WebSocket")
def test_page_and_studio_have_sessions_of_their_own(page: Page, stack: Stack, stranger: User) -> None:
    expect(page.get_by_role("button", name="Create")).to_be_visible()
    studio = page.context.new_page()
    page.context.request.post(f"{stack.web_url}dev/login", form={"user": stranger.id})
    studio.goto(stack.web_url)
    expect(studio.get_by_text("Nothing here yet.")).to_be_visible()
    page.context.request.post("/dev/logout")
    page.reload()
    expect(page.get_by_role("link", name="Sign in")).to_have_attribute("href", "/dev/login")
    studio.reload()
    expect(studio.get_by_text("Nothing here yet.")).to_be_visible()


@pytest.mark.complains("401", "WebSocket")
def test_visitor_signs_in_on_the_forwarded_page(
    open_context: Callable[..., BrowserContext], address: str, stack: Stack
) -> None:
    page = open_context(base_url=address).new_page()
    page.goto("/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Katherine").click()
    expect(page.get_by_role("button", name="Create")).to_be_visible()
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert names == {f"{stack.cookie_name}-{urlsplit(address).port}"}


@pytest.mark.complains("CORS", "ERR_FAILED", "Failed to load")
def test_blocked_origin_is_distinguished_from_a_lost_network(page: Page, stack: Stack) -> None:
    # The origin of the development server is not in AllowedOrigins, because its port is a random one.
    code = """async (apiUrl) => {
      const { VideoJobs } = await import("/node_modules/videojobs-client/videojobs.js");
      return new VideoJobs({ apiUrl }).list().catch((error) => error.code);
    }"""
    assert page.evaluate(code, stack.web_url.rstrip("/")) == "ORIGIN_BLOCKED"
    assert page.evaluate(code, f"http://127.0.0.1:{free_port()}") == "UNREACHABLE"
