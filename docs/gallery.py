"""The pictures of docs/gallery.md: what reports look like, drawn again.

``python docs/gallery.py`` makes all of them, ``python docs/gallery.py terminal page`` those that are named. It takes
Playwright's Python client, Pillow and a Chromium (``$CHROMIUM``, else the one on the path); ``experiment`` measures
this machine for some minutes. Pictures have a palette of 128 colours, to be small.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "docs" / "gallery"
NASNET = ["zoo:nasnet_a_large", "--device", "gtx-1080-ti"]
COMPARED = [
    *("zoo:shufflenet_v2_x1_0", "zoo:shufflenet_v1_g3_x1_0", "zoo:mobilenet_v2_x1_0", "zoo:mobilenet_v1_x1_0"),
    *("zoo:nasnet_a_mobile", "zoo:densenet121", "zoo:resnet18", "zoo:resnet50", "zoo:googlenet"),
    *("--device", "gtx-1080-ti", "--device", "snapdragon-810"),
]
_HIGHEST = 700  # pixels of a picture of a view
_DRAWN = 3000  # milliseconds that a plot takes at most
_TERMINAL = (
    "<meta charset=utf-8><style>body {{ margin: 0; display: inline-block; color: {foreground};"
    " background: {background} }} pre {{ margin: 0; padding: 14px; font: 13px/1.25 'DejaVu Sans Mono' }}</style>"
    "<body><pre>{code}</pre>"
)


def mac_audit(*arguments: str, **environment: str) -> str:
    """What the command prints; its exit status is a verdict."""
    command = [sys.executable, "-P", "-m", "mac_audit", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"mac-audit {' '.join(arguments)} does not work: {done.stderr}")
    return done.stdout


def saved(name: str, data: bytes | None = None) -> None:
    """A picture of the gallery, with a palette; without ``data`` the one that is there."""
    path = GALLERY / f"{name}.png"
    if data is not None:
        path.write_bytes(data)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path.name}  {small.width}×{small.height}  {path.stat().st_size // 1000} KB")


def terminal(browser: Browser) -> None:
    """The table, in a dark and in a light terminal."""
    for name, theme, columns in (("terminal", MONOKAI, 100), ("terminal-light", DEFAULT_TERMINAL_THEME, 80)):
        command = ["docs/examples/bottleneck.py", "--device", "snapdragon-810"]
        printed = mac_audit(*command, COLUMNS=str(columns), FORCE_COLOR="1", MAC_AUDIT_HOME=os.devnull)
        console = Console(record=True, width=columns, file=io.StringIO(), color_system="truecolor")
        console.print(Text(f"$ mac-audit {' '.join(command)}"))
        console.print(Text.from_ansi(printed))
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "terminal.html").write_text(
                console.export_html(theme=theme, inline_styles=True, code_format=_TERMINAL)
            )
            with opened(browser, Path(folder) / "terminal.html") as page:
                saved(name, page.locator("body").screenshot())


@contextmanager
def opened(browser: Browser, path: Path, dark: bool = False, width: int = 1200) -> Iterator[Page]:
    """A page that is drawn."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    yield page
    page.close()


def page(browser: Browser) -> None:
    """The views of the page of NASNet-A, and what a dark screen makes of one."""
    views = ("summary", "findings", "treemap", "classes", "roofline", "timeline", "graph", "layers")
    _sections(browser, "page", [*NASNET, "-o", "html"], dict.fromkeys(views, False) | {"roofline-dark": True})


def compare(browser: Browser) -> None:
    """FLOPs and memory access against time, of nine networks."""
    _sections(browser, "compare", ["compare", *COMPARED, "-o", "html"], {"scatter": False})


def _sections(browser: Browser, name: str, command: Sequence[str], views: dict[str, bool]) -> None:
    """A picture of each view of a page, as far as a screen shows it; ``views`` says whether in the dark."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(mac_audit(*command, MAC_AUDIT_HOME=os.devnull), encoding="utf-8")
        for view, dark in views.items():
            with opened(browser, path, dark) as shown:
                section = shown.locator(f"#{view.removesuffix('-dark')}")
                section.evaluate("section => section.scrollIntoView()")
                shown.wait_for_timeout(_DRAWN)  # plots are drawn when they come into sight
                box = section.bounding_box()
                assert box is not None, f"the page has no {view}"
                area = {"x": box["x"], "y": box["y"], "width": box["width"], "height": min(box["height"], _HIGHEST)}
                saved(f"{name}-{view}", shown.screenshot(clip=area))


def experiment(browser: Browser) -> None:
    """The paper's four experiments, measured here."""
    del browser
    mac_audit("experiment", "all", "--plot", str(GALLERY / "experiment.png"))
    saved("experiment")


PICTURES: dict[str, Callable[[Browser], None]] = {
    "terminal": terminal,
    "page": page,
    "compare": compare,
    "experiment": experiment,
}


def main(names: Sequence[str]) -> None:
    GALLERY.mkdir(exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        for name in names or PICTURES:
            PICTURES[name](browser)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
