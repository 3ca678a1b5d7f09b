"""The page of a report in a real browser: what people do with it, and what a model cannot do to them."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from mac_audit import audit
from mac_audit.report import Line, Report
from mac_audit.reporters import View
from mac_audit.reporters.html import render
from mac_audit.reporters.problems import by_line
from mac_audit.request import Request
from tests.costing import reported
from tests.hostile_text import HOSTILE, hostile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

VIEWS = ("summary", "findings", "treemap", "classes", "roofline", "timeline", "graph", "layers")


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


class Branches(nn.Module):
    """Four chains of two convolutions beside each other."""

    def __init__(self) -> None:
        super().__init__()
        chains = (nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)) for _ in range(4))
        self.chains = nn.ModuleList(chains)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([chain(x) for chain in self.chains], 1)


def transformer() -> Report:
    """More layers than the table shows at first."""
    with torch.device("meta"):
        model = nn.Sequential(*(Block(64) for _ in range(25)))
    return audit(model, torch.empty(1, 16, 64, device="meta"), device="gtx-1080-ti", target="transformer")


def of_zoo(name: str, device: str = "gtx-1080-ti") -> Report:
    return reported(Request(f"zoo:{name}", device=device))


@pytest.fixture(scope="module")
def mobilenet() -> Report:
    return of_zoo("mobilenet_v2_x1_0")


class Opened:
    """A page, with what it said on the console and what it asked for."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
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

    def told(self, places: str, attribute: str = "title") -> list[str]:
        """An attribute of all elements, in one question to the browser."""
        found: list[str] = self.page.locator(places).evaluate_all(f"all => all.map((one) => one.{attribute})")
        return found

    def quiet(self) -> bool:
        return not self.said and self.asked == [self.address]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Opens the page of reports; it is closed with the test."""
    with ExitStack() as stack:

        def go(*reports: Report, **options: Any) -> Opened:
            file = tmp_path / "report.html"
            file.write_text(render(reports, View()), encoding="utf-8")
            assert file.stat().st_size < 6e6
            context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True, **options)
            return Opened(stack.enter_context(context), file)

        yield go


MODELS: dict[str, Callable[[], Report]] = {"nasnet": lambda: of_zoo("nasnet_a_large"), "transformer": transformer}


@pytest.mark.parametrize("name", ["mobilenet", *MODELS])
def test_page_opens_and_works(opened: Callable[..., Opened], mobilenet: Report, name: str) -> None:
    """Every view is there; the switch, the search, the headings and the findings do what they promise."""
    report = MODELS[name]() if name in MODELS else mobilenet
    seen = opened(report)
    page = seen.page
    seen.draw_all()
    assert seen.told("main > section", "id") == list(VIEWS)
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
    assert seen.told("#layer-table tbody .path") == [row.path for row in report.layers if last.path in row.path]

    page.get_by_label("Find a layer").fill("")
    page.get_by_role("button", name="Params", exact=True).click()
    costliest = sorted(report.layers, key=lambda layer: -layer.params)[:20]
    assert seen.told("#layer-table tbody tr .path")[:20] == [layer.path for layer in costliest]
    assert page.locator("th[aria-sort=descending]").inner_text() == "Params"

    if report.findings:
        link = page.locator("#findings .layer-link").first
        path = link.get_attribute("title")
        link.click()
        assert page.locator("tr.target .path").get_attribute("title") == path
        assert page.evaluate("document.activeElement.matches('tr.target')")
    more = page.locator("#findings button.no-print")
    while more.count():
        more.evaluate_all("all => all.forEach((one) => one.click())")
    assert page.locator("#findings .card").count() == len(by_line(report.findings))
    assert page.locator("#findings .layer-link").count() == len(report.findings)
    assert seen.quiet(), (seen.said, seen.asked)


def test_block_opens_into_operators_that_feed_each_other(opened: Callable[..., Opened]) -> None:
    parts = OrderedDict(stem=nn.Conv2d(8, 8, 1), branches=Branches(), head=nn.Conv2d(32, 8, 1))
    report = audit(nn.Sequential(parts), torch.empty(1, 8, 16, 16, device="meta"), device="gtx-1080-ti")
    (block,) = report.blocks
    page = opened(report).page
    node = page.locator(".node.fragmented", has_text="branches")
    node.focus()
    page.keyboard.press("Enter")
    assert page.locator(".inside g.op").count() == len(block.operators) == 8
    reads = sum(len(report.operators[i].after) for i in block.operators)
    assert page.locator(".inside path.edge").count() == reads == 8


def test_text_of_a_model_is_text(opened: Callable[..., Opened], mobilenet: Report) -> None:
    """The same elements as of the tame report, no dialog, nothing asked for; every model of the page is looked at."""
    few = replace(mobilenet, layers=mobilenet.layers[:30])
    link = "\"'><b>bold</b><a href='https://evil.example'>x</a>"
    texts = [HOSTILE[kind] + link * (kind == "html") for kind in ("html", "bidi", "surrogate", "long", "github")]
    seen = opened(*(hostile(few, text) for text in texts))
    for place in range(len(texts)):
        if place:
            seen.page.get_by_label("Model", exact=True).select_option(index=place)
        seen.draw_all()
        assert seen.quiet(), (texts[place], seen.said, seen.asked)
        foreign = "main img, main b, main script, main iframe, main a[href*=evil]:not(.source)"
        assert seen.page.locator(foreign).count() == 0, texts[place]
        assert set(seen.told("main a.source", "protocol")) == {"file:"}, texts[place]


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


def test_light_dark_and_print(opened: Callable[..., Opened], mobilenet: Report) -> None:
    seen = opened(mobilenet, color_scheme="dark")
    page = seen.page
    paper = "getComputedStyle(document.body).backgroundColor"
    seen.draw_all()
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
    assert seen.quiet(), seen.said


def test_several_models_and_one_that_fails(opened: Callable[..., Opened], mobilenet: Report) -> None:
    """Without a device the views of time say how to get them; a model that was not audited tells why."""
    plain = replace(of_zoo("shufflenet_v2_x0_5", device=""), name="plain")
    broken = replace(mobilenet, name="broken", error="net.py raised <b>ValueError</b>.", verdict="error")
    seen = opened(mobilenet, plain, broken)
    page = seen.page
    page.get_by_label("Model", exact=True).select_option(label=f"plain – {plain.verdict}")
    assert "--device" in page.locator("#roofline").inner_text()
    assert "--device" in page.locator("#timeline").inner_text()
    assert page.locator("#findings .card").count() == len(by_line(plain.findings))
    assert page.get_by_role("button", name="Predicted time").is_disabled()
    page.get_by_label("Model", exact=True).select_option(label="broken – error")
    assert "net.py raised <b>ValueError</b>." in page.locator("main").inner_text()
    assert page.locator("main > section").count() == 1
    assert seen.quiet(), (seen.said, seen.asked)


def test_keyboard_and_names(opened: Callable[..., Opened], mobilenet: Report) -> None:
    """Every control has a name for those who do not see it, and what is focused shows it."""
    page = opened(mobilenet).page
    controls = page.locator("button, select, input, [role=button], svg[role=img], section")
    nameless = "all => all.filter((one) => !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML)"
    assert controls.count() > 10
    assert controls.evaluate_all(nameless) == []
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    ids = page.locator("[id]").evaluate_all("elements => elements.map((element) => element.id)")
    assert len(ids) == len(set(ids))
