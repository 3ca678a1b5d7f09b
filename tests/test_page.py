"""The page of a report in a real browser: what people do with it, and what a model cannot do to them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from mac_audit import audit
from mac_audit.api import audit_request
from mac_audit.report import Line, Report
from mac_audit.reporters import View
from mac_audit.reporters.html import render
from mac_audit.request import Request
from tests.hostile_text import HOSTILE, hostile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
VIEWS = ("summary", "findings", "treemap", "classes", "roofline", "timeline", "graph", "layers")
DRAWN = "document.querySelectorAll('#treemap g.slice').length"

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")


class Block(nn.Module):
    """Attention and a perceptron, ten layers with the block itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.act, self.down = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        x = x + self.out(nn.functional.scaled_dot_product_attention(self.query(y), self.key(y), self.value(y)))
        down: torch.Tensor = self.down(self.act(self.up(self.norm2(x))))
        return x + down


def transformer() -> Report:
    with torch.device("meta"):
        model = nn.Sequential(*(Block(64) for _ in range(100)))
    return audit(model, torch.empty(1, 16, 64, device="meta"), device="gtx-1080-ti", target="transformer")


def of_zoo(name: str, *, device: str = "gtx-1080-ti", side: int = 0) -> Report:
    return audit_request(Request(f"zoo:{name}", device=device, resolution=(side, side) if side else None))


@pytest.fixture(scope="module")
def mobilenet() -> Report:
    return of_zoo("mobilenet_v2_x1_0")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


class Opened:
    """A page, with what it said on the console and what it asked for."""

    def __init__(self, browser: Browser, folder: Path, *reports: Report, **options: Any) -> None:
        file = folder / "report.html"
        file.write_text(render(reports, View()), encoding="utf-8")
        context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True, **options)
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.address = file.as_uri()

    def draw_all(self) -> None:
        """As a reader who scrolls to the end of it."""
        self.page.evaluate("[...page.pending.values()].forEach((now) => now())")
        self.page.locator("#treemap g.slice").first.wait_for(state="attached")

    def quiet(self) -> bool:
        return not self.said and self.asked == [self.address]


MODELS = {
    "shufflenet": lambda: of_zoo("shufflenet_v2_x1_0"),
    "mobilenet": lambda: of_zoo("mobilenet_v2_x1_0"),
    "nasnet": lambda: of_zoo("nasnet_a_large"),
    "transformer": transformer,
}


@in_a_browser
@pytest.mark.parametrize("name", MODELS)
def test_page_opens_and_works(browser: Browser, tmp_path: Path, name: str) -> None:
    """Every view is there; the switch, the search, the headings and the findings do what they promise."""
    report = MODELS[name]()
    assert len(render([report], View()).encode()) < 6e6
    opened = Opened(browser, tmp_path, report)
    page = opened.page
    opened.draw_all()
    assert [part.get_attribute("id") for part in page.locator("main > section").all()] == list(VIEWS)
    assert page.locator("#layer-table caption, #layer-table thead th button").count() > 5

    areas = "document.querySelector('#treemap .plot').data[0]"
    before = page.evaluate(f"{areas}.values")
    page.get_by_role("button", name="Parameters").click()
    after = page.evaluate(f"{areas}.values")
    assert sum(before) == pytest.approx(report.totals.predicted_ms)
    assert sum(after) == sum(layer.own_params for layer in report.layers)

    last = report.layers[-1]
    page.keyboard.press("/")
    page.keyboard.type(last.path.upper())
    shown = [cell.get_attribute("title") for cell in page.locator("#layer-table tbody .path").all()]
    assert last.path in shown
    assert shown == [row.path for row in report.layers if last.path in row.path]

    page.get_by_label("Find a layer").fill("")
    page.get_by_role("button", name="Params", exact=True).click()
    costliest = sorted(report.layers, key=lambda layer: -layer.params)[:20]
    rows = page.locator("#layer-table tbody tr .path").evaluate_all("cells => cells.map((cell) => cell.title)")
    assert rows[:20] == [layer.path for layer in costliest]
    assert page.locator("th[aria-sort=descending]").inner_text() == "Params"

    for link in page.locator("#findings .layer-link").all()[:1]:
        path = link.get_attribute("title")
        link.click()
        assert page.locator("tr.target .path").get_attribute("title") == path
        assert page.evaluate("document.activeElement.matches('tr.target')")
    assert (page.locator("#findings .card").count() > 0) == bool(report.findings)
    assert opened.quiet(), (opened.said, opened.asked)


@in_a_browser
def test_block_opens_into_operators_that_feed_each_other(browser: Browser, tmp_path: Path) -> None:
    report = of_zoo("googlenet", side=64)
    page = Opened(browser, tmp_path, report).page
    block = next(block for block in report.blocks if block.layer == "inception4b")
    node = page.locator(".node.fragmented", has_text="inception4b")
    node.focus()
    page.keyboard.press("Enter")
    assert page.locator(".inside g.op").count() == len(block.operators)
    reads = sum(len(report.operators[i].after) for i in block.operators)
    assert page.locator(".inside path.edge").count() == reads


@in_a_browser
@pytest.mark.parametrize("kind", ["html", "bidi", "surrogate", "long", "github"])
def test_text_of_a_model_is_text(browser: Browser, tmp_path: Path, mobilenet: Report, kind: str) -> None:
    """The same elements as of the tame report, no dialog, nothing asked for."""
    few = replace(mobilenet, layers=mobilenet.layers[:30])
    more = "\"'><b>bold</b><a href='https://evil.example'>x</a>" if kind == "html" else ""
    spoilt = hostile(few, HOSTILE[kind] + more)
    opened = Opened(browser, tmp_path, spoilt)
    opened.draw_all()
    opened.page.wait_for_timeout(100)
    assert opened.quiet(), (opened.said, opened.asked)
    foreign = "main img, main b, main script, main iframe, main a[href*=evil]:not(.source)"
    assert opened.page.locator(foreign).count() == 0
    hrefs = opened.page.locator("main a.source").evaluate_all("links => links.map((link) => link.protocol)")
    assert set(hrefs) == {"file:"}


def test_path_cannot_become_an_address(mobilenet: Report) -> None:
    """Whatever is in the file, the data element holds the JSON, and nothing in it ends the element."""
    line = Line("javascript:alert(1)//</script><script>alert(1)</script>\u2028", 1)
    text = render([replace(mobilenet, layers=(replace(mobilenet.layers[0], source=line),))], View())
    scripts: list[str] = []

    class Scripts(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "script":
                scripts.append(dict(attrs).get("type") or "")

    Scripts().feed(text)
    plain = render([mobilenet], View())
    assert len(scripts) == plain.count("<script")
    assert "\u2028" not in text.partition('id="data">')[2].partition("</script>")[0]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src &#x27;none&#x27;")
    assert "script-src &#x27;sha256-" in policy[1]
    assert "https:" not in policy[1]


@in_a_browser
def test_light_dark_and_print(browser: Browser, tmp_path: Path, mobilenet: Report) -> None:
    opened = Opened(browser, tmp_path, mobilenet, color_scheme="dark")
    page = opened.page
    paper = "getComputedStyle(document.body).backgroundColor"
    opened.draw_all()
    text = "getComputedStyle(document.querySelector('#roofline .xtick text')).fill"
    dark = page.evaluate(paper), page.evaluate(text)
    page.get_by_role("button", name="Light or dark").click()
    light = page.evaluate(paper), page.evaluate(text)
    assert dark[0] == light[0].replace("255, 255, 255", "20, 24, 29")
    assert dark[1] != light[1]
    page.get_by_role("button", name="Light or dark").click()
    assert (page.evaluate(paper), page.evaluate(text)) == dark
    page.emulate_media(media="print")
    assert page.evaluate(paper) == light[0]
    assert not page.locator("nav, #theme").first.is_visible()
    assert len(page.pdf()) > 10_000
    assert opened.quiet(), opened.said


@in_a_browser
def test_several_models_and_one_that_fails(browser: Browser, tmp_path: Path, mobilenet: Report) -> None:
    """Without a device the views of time say how to get them; a model that was not audited tells why."""
    plain = replace(of_zoo("shufflenet_v2_x0_5", device=""), name="plain")
    broken = replace(mobilenet, name="broken", error="net.py raised <b>ValueError</b>.", verdict="error")
    opened = Opened(browser, tmp_path, mobilenet, plain, broken)
    page = opened.page
    page.get_by_label("Model", exact=True).select_option(label=f"plain – {plain.verdict}")
    assert "--device" in page.locator("#roofline").inner_text()
    assert "--device" in page.locator("#timeline").inner_text()
    assert page.get_by_role("button", name="Predicted time").is_disabled()
    page.get_by_label("Model", exact=True).select_option(label="broken – error")
    assert "net.py raised <b>ValueError</b>." in page.locator("main").inner_text()
    assert page.locator("main > section").count() == 1
    assert opened.quiet(), (opened.said, opened.asked)


@in_a_browser
def test_keyboard_and_names(browser: Browser, tmp_path: Path, mobilenet: Report) -> None:
    """Every control has a name for those who do not see it, and what is focused shows it."""
    page = Opened(browser, tmp_path, mobilenet).page
    controls = page.locator("button, select, input, [role=button], svg[role=img], section").all()
    assert all((one.text_content() or "").strip() or one.get_attribute("aria-label") for one in controls)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    ids = page.locator("[id]").evaluate_all("elements => elements.map((element) => element.id)")
    assert len(ids) == len(set(ids))
