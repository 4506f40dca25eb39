"""Try the deployment guide's nginx set-up with a browser: base path, uploads, canvases, links, and two servers.

    python -m tools.try_deployment

Starts two servers of the app and an nginx with deploy/nginx.conf on free ports of this computer, visits them, ends one
server, and prints what held. Needs nginx and a Chromium.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, free_port, served, visit, wait_idle, watch_console
from tests.install_browser import installed_browser

ROOT = Path(__file__).resolve().parents[1]
APP = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.baseUrlPath", "vislrp"]
SETTINGS = {"VISLRP_NETWORK": "embedded", "STREAMLIT_SERVER_COOKIE_SECRET": "the same on all servers"}
VISITORS = 8
MAIN = """daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{
    log_format served '$upstream_addr $cookie_vislrp $status $request';
    access_log {folder}/access.log served;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/vislrp.conf;
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[str]:
    """nginx with the guide's file, its ports replaced by free ones; returns its address."""
    port = free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8").replace("listen 80;", f"listen 127.0.0.1:{port};")
    for said, real in zip((8501, 8502), ports, strict=True):
        text = text.replace(f"127.0.0.1:{said}", f"127.0.0.1:{real}")
    (folder / "vislrp.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder), encoding="utf-8")
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]) as running:
        try:
            yield f"http://127.0.0.1:{port}/vislrp"
        finally:
            running.terminate()


def new_page(browser: Browser) -> tuple[BrowserContext, Page, list[str]]:
    """A visitor."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    return context, page, watch_console(page)


def said(what: str) -> None:
    """Print what held."""
    print(f"ok: {what}", flush=True)


def upload(page: Page) -> None:
    """Show a picture of the visitor's own on Design."""
    page.locator(".st-key-menu-upload button, [class*=st-key-menu-upload] button").first.click()
    page.locator("input[type=file]").first.set_input_files(ROOT / "sample_images" / "coffee_cup.jpg")
    page.wait_for_url(lambda address: "image=upload" in address)
    wait_idle(page)


def try_pages(browser: Browser, url: str) -> None:
    """One visitor: pages, websocket, links, upload, canvas."""
    _, page, errors = new_page(browser)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    visit(page, url)
    expect(page.get_by_role("img", name="Heatmap of relevance")).to_be_visible()
    assert any(socket.startswith(url.replace("http", "ws") + "/_stcore/stream") for socket in sockets), sockets
    said("Home through nginx under /vislrp/, its websocket too")

    visit(page, f"{url}/Design?image=kitten&model=example-configuration_4")
    expect(page.locator(".ruler .card")).to_have_count(3)
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(lambda address: address.startswith(f"{url}/Compare") and "image=kitten" in address)
    said("a link to a page with picture and model; navigation stays under the path and keeps the visit")

    visit(page, f"{url}/Design")
    upload(page)
    said("an upload")

    visit(page, f"{url}/Pixel_Flipping?image=guitar_and_drums&model=example-configuration_4")
    canvas = page.locator("canvas.upper-canvas").first
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    coloured = page.locator("canvas.lower-canvas").first.evaluate(
        "one => new Set(one.getContext('2d').getImageData(0, 0, one.width, one.height).data).size > 50"
        " || getComputedStyle(one.parentElement).backgroundImage !== 'none'"
        " || !!one.closest('div').parentElement.querySelector('img[src^=\"data:\"]')"
    )
    assert coloured, "the canvas has no picture behind it"
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=8)
    page.mouse.up()
    expect(page.get_by_text("of the pixels marked").first).not_to_have_text(re.compile(r"^0"))
    said("the canvas shows its picture and takes a stroke")
    assert errors == [], errors
    said("no error in the browser")
    page.context.close()


def backends(log: Path) -> dict[str, set[str]]:
    """Servers that answered, by cookie."""
    found: dict[str, set[str]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        server, cookie = line.split()[:2]
        if cookie != "-":
            found.setdefault(cookie, set()).add(server)
    return found


def try_servers(browser: Browser, url: str, log: Path, ports: list[int]) -> int:
    """Several visitors on two servers; returns the port of the server that the last visitor is on."""
    contexts = []
    for _ in range(VISITORS):
        context, page, _ = new_page(browser)
        visit(page, f"{url}/Design?image=kitten")
        contexts.append(context)
    for context in contexts[:-1]:
        context.close()
    served_by = backends(log)
    assert all(len(servers) == 1 for servers in served_by.values()), served_by
    assert {one for servers in served_by.values() for one in servers} == {f"127.0.0.1:{port}" for port in ports}, served_by
    said(f"{len(served_by)} visitors on two servers, each with one server only")
    cookie = next(one["value"] for one in contexts[-1].cookies() if one["name"] == "vislrp")
    return int(next(iter(served_by[cookie])).rsplit(":", 1)[1])


def main() -> None:
    """Try everything; an assertion says what does not hold."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(contextlib.ExitStack()) for _ in range(2)]
        urls = [
            server.enter_context(served(APP, folder / f"log{place}", health="/vislrp/_stcore/health", **SETTINGS))
            for place, server in enumerate(servers)
        ]
        ports = [int(url.rsplit(":", 1)[1]) for url in urls]
        url = stack.enter_context(nginx(folder, ports))
        time.sleep(1)
        browser = stack.enter_context(sync_playwright()).chromium.launch(executable_path=installed_browser(), args=FLAGS)
        try_pages(browser, url)
        gone = try_servers(browser, url, folder / "access.log", ports)
        page = browser.contexts[-1].pages[0]
        upload(page)
        page.get_by_role("radio", name="logit").nth(1).click()
        page.wait_for_url(lambda address: "target=" in address)
        wait_idle(page)
        address = page.url
        for process in psutil.Process().children():
            if "streamlit" in " ".join(process.cmdline()):
                print(f"memory of a server: {process.memory_info().rss / 1e6:.0f} MB")
        servers[ports.index(gone)].close()
        visit(page, address)
        expect(page.locator(".ruler .card").first).to_be_visible()
        expect(page.get_by_role("radio", name="logit").nth(1)).to_be_checked()
        assert page.url == address
        said("its server ended, a visitor reloads and has the same view on the other one, with the picture of their own")
        browser.close()


if __name__ == "__main__":
    main()
