"""Take the pictures of the documentation: `python -m tools.console_images URL TOKEN`.

The server has demo data, and the token is that of the demo's member. It needs Chromium.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent.parent / "docs/images"
KEEP = "token => sessionStorage.setItem('gql_service:token', token)"


def main(url: str, token: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 960, "height": 600}, color_scheme="light")
        context.add_init_script(f"({KEEP})('{token}')")
        page = context.new_page()
        page.goto(f"{url.rstrip('/')}/console/profile")
        badges = page.get_by_role("button", name="Badges")
        badges.wait_for()
        page.screenshot(path=IMAGES / "console-profile.png")
        badges.click()
        page.get_by_role("dialog").get_by_role("listitem").first.wait_for()
        page.screenshot(path=IMAGES / "console-badges.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
