"""Every lesson in JupyterLab, as a student meets it: opened, run, and its explorers turned, in headless Chromium.

`make browser` installs what it takes beside a Chromium on the PATH; without either, these tests are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from ipykernel.kernelspec import write_kernel_spec

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 900  # seconds for a lesson; milliseconds where the browser counts
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight are drawn, too
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},  # no network
}
RUN_ALL = "window.jupyterapp.commands.execute('notebook:run-all-cells')"
OPEN = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus === 'connected'"
SHUT = "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"  # a kernel holds gigabytes
# Every cell with code has a number in its prompt, none a star.
RAN = """() => [...document.querySelectorAll('.jp-CodeCell')].every(
    cell => /\\d/.test(cell.querySelector('.jp-InputPrompt').textContent)
)"""
JUPYTER = "application/vnd.jupyter"
ERRORS = f"[data-mime-type='{JUPYTER}.error'], [data-mime-type='{JUPYTER}.stderr'], .cvsr-error"
CONTROLS = ".widget-slider, .widget-dropdown, .widget-checkbox"

pytestmark = [
    pytest.mark.timeout(2 * PATIENCE),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH; on Debian: apt install chromium"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="no playwright; try make browser"),
]


@pytest.fixture(scope="module")
def course(lessons, tmp_path_factory):
    """A folder with copies of the lessons, which JupyterLab may save, and the repository's data beside them."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(lessons[0].parent, folder / "notebooks")
    (folder / "data").symlink_to(lessons[0].parents[1] / "data")
    return folder


@pytest.fixture(scope="module")
def lab(course, tmp_path_factory):
    """The address of a JupyterLab that serves the course to this machine alone, with this Python as kernel."""
    own = tmp_path_factory.mktemp("jupyter")
    write_kernel_spec(own / "kernels" / "python3")
    for name, values in SETTINGS.items():
        file = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    options = [
        "--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1", "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={course}",
    ]  # fmt: skip
    places = {
        "JUPYTER_PATH": own,
        "JUPYTER_RUNTIME_DIR": own / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": own / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces",
    }
    environment = os.environ | {name: str(path) for name, path in places.items()} | {"HF_HUB_OFFLINE": "1"}
    with (own / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log, cwd=course
        )
    try:
        yield address(own / "runtime", server)
    finally:
        server.terminate()
        server.wait(60)


def address(runtime: Path, server: subprocess.Popen) -> str:
    """Where the server answers, once it does."""
    for _ in range(2 * PATIENCE):
        assert server.poll() is None, "JupyterLab has ended"
        for file in runtime.glob("jpserver-*.json"):
            url = json.loads(file.read_text())["url"]
            with urllib.request.urlopen(f"{url}api", timeout=60):
                return url
        time.sleep(0.5)
    raise TimeoutError("JupyterLab does not answer")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright  # an extra

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    """A page, and what its console says is wrong."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE)
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    page.close()


def turn(control) -> None:
    """Move a control as a student does: a click on a slider's track, another option, a tick."""
    control.scroll_into_view_if_needed()
    if control.locator(".noUi-target").count():
        track = control.locator(".noUi-base")
        box, handle = track.bounding_box(), control.locator(".noUi-handle").bounding_box()
        right = handle["x"] + handle["width"] / 2 < box["x"] + box["width"] / 2
        track.click(position={"x": box["width"] * (0.9 if right else 0.1), "y": box["height"] / 2}, force=True)
    elif control.locator("select").count():
        chosen = control.locator("select")
        count = chosen.locator("option").count()
        chosen.select_option(index=(chosen.evaluate("list => list.selectedIndex") + 1) % count)
    else:
        control.locator("input[type=checkbox]").click()


def test_a_lesson_runs_and_its_explorers_turn(lesson, lab, page, tmp_path):
    page.goto(f"{lab}lab/tree/notebooks/{lesson.name}?reset", wait_until="commit")
    page.wait_for_function(OPEN)
    page.evaluate(RUN_ALL)
    page.wait_for_function(RAN, polling=1000)
    assert page.locator(ERRORS).all_inner_texts() == []
    explorers = page.locator(".jp-OutputArea-output .widget-vbox").filter(has=page.locator(CONTROLS)).all()
    assert len(explorers) >= 2
    for number, explorer in enumerate(explorers):
        picture = explorer.locator(":scope > .widget-html").last
        before = picture.inner_html()
        assert "<img" in before
        turn(explorer.locator(CONTROLS).first)
        page.wait_for_function(
            "([element, before]) => element.innerHTML !== before", arg=[picture.element_handle(), before]
        )
        assert "<img" in picture.inner_html(), picture.inner_text()
        explorer.screenshot(path=tmp_path / f"{number}.png")  # for whoever wants to look
    page.evaluate(SHUT)
    assert page.wrong == []
