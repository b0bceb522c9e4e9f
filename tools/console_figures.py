"""How fast the console opens: `python -m tools.console_figures URL TOKEN`. It needs Chromium and a server.

Each sample has a cold cache. `first paint` is the browser's own figure, without a token; `interactive` is the
time until the profile of a user who is signed in can be used.
"""

import shutil
import statistics
import sys
import time

from playwright.sync_api import Browser, sync_playwright

SAMPLES = 7
FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
KEEP = "token => sessionStorage.setItem('gql_service:token', token)"


def measure(browser: Browser, url: str, token: str) -> tuple[float, float]:
    """The milliseconds until something is painted, and until the page can be used."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{url}/console")
    page.get_by_role("textbox").wait_for()
    painted = float(page.evaluate(FIRST_PAINT))
    context.close()

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(f"({KEEP})('{token}')")
    page = context.new_page()
    begin = time.monotonic()
    page.goto(f"{url}/console/profile", wait_until="commit")
    page.locator("main h1").wait_for()
    page.locator("main button").last.click(trial=True)
    interactive = (time.monotonic() - begin) * 1000
    context.close()
    return painted, interactive


def main(url: str, token: str) -> None:
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        samples = [measure(browser, url.rstrip("/"), token) for _ in range(SAMPLES)]
        browser.close()
    for name, values in zip(("first paint", "interactive"), zip(*samples, strict=True), strict=True):
        print(f"{name:<12} median {statistics.median(values):4.0f} ms, worst {max(values):4.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
