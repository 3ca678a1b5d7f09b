"""The pages of a comparison and of a diff, in a browser: they open, sort, filter, redraw and do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import mac_audit
from mac_audit.comparison import Comparison, Predicted, compared
from mac_audit.diff import Diff, compare
from mac_audit.report import DeviceInfo, Report
from mac_audit.reporters import View, compare_html, diff_html, escape
from tests.hostile_text import HOSTILE, hostile

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

GOLDEN = Report.from_json((Path(__file__).parent / "golden" / "report.json").read_text(encoding="utf-8"))
X = torch.empty(1, 8, 16, 16, device="meta")

Opened = Callable[[str], "Page"]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens a page from a file; what it says on the console, raises or asks of the network fails the test."""
    complaints: list[str] = []
    context = browser.new_context(offline=True, color_scheme="dark")

    def go(html: str) -> Page:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda asked: None if asked.url == file.as_uri() else complaints.append(asked.url))
        page.goto(file.as_uri())
        return page

    yield go
    context.close()
    assert complaints == []


def model(name: str, flops: int, mac: int, ms: float) -> Report:
    totals = replace(GOLDEN.totals, flops=flops, mac_elements=mac, predicted_ms=ms, lower_bound=False)
    return replace(GOLDEN, name=name, target=name, totals=totals)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """c has the most FLOPs and not the longest time; on the other device it has."""
    reports = {"a": model("a", 10, 300, 9.0), "b": model("b", 20, 200, 3.0), "c": model("c", 40, 100, 4.5)}
    other = {"a": 1.0, "b": 2.0, "c": 3.0}
    device = DeviceInfo("other", "a test", 0.1)
    return compared([(report, [Predicted(device, other[name])]) for name, report in reports.items()], "order")


@pytest.fixture(scope="module")
def diff() -> Diff:
    def net(*layers: nn.Module, **named: nn.Module) -> Report:
        made = nn.Sequential(*layers)
        for name, layer in named.items():
            made.add_module(name, layer)
        return mac_audit.audit(made, X, target="net")

    old = net(stem=nn.Conv2d(8, 8, 3), gone=nn.Conv2d(8, 8, 1), head=nn.Conv2d(8, 64, 1))
    return compare(old, net(stem=nn.Conv2d(8, 16, 3), head=nn.Conv2d(16, 16, 1)))


def drawn(page: Page, figure: str) -> list[list[Any]]:
    """What plotly holds of its first plot."""
    plot = page.locator(".plot").first
    plot.locator(".main-svg").first.wait_for()
    found: list[list[Any]] = plot.evaluate(f"node => node.data.map(trace => [...trace.{figure}])")
    return found


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"#models tbody tr > :nth-child({number})").all_inner_texts()


# --- the comparison --------------------------------------------------------------------------------------------------


def test_the_scatter_shows_what_is_chosen(opened: Opened, comparison: Comparison) -> None:
    page = opened(compare_html.render([comparison], View()))
    falling, *_, points = drawn(page, "y")  # breaks no guideline: nothing of it
    assert sorted(points) == [3.0, 4.5, 9.0]
    assert sorted(value for value in falling if value is not None) == [3.0, 4.5, 9.0, 9.0]  # a above b and c
    assert sorted(drawn(page, "x")[-1]) == [10, 20, 40]
    page.get_by_role("button", name="MAC, elements").click()
    assert sorted(drawn(page, "x")[-1]) == [100, 200, 300]
    page.get_by_role("group", name="On").get_by_role("button", name="other").click()
    assert sorted(drawn(page, "y")[-1]) == [1.0, 2.0, 3.0]
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_the_models_sort_by_what_is_clicked_and_pairs_are_named(opened: Opened, comparison: Comparison) -> None:
    page = opened(compare_html.render([comparison], View()))
    assert column(page, 1) == ["a", "b", "c"]
    heads = page.locator("#models thead")
    heads.get_by_role("button", name="MAC").click()
    assert column(page, 1) == ["c", "b", "a"]
    heads.get_by_role("button", name="example").press("Enter")
    assert column(page, 1) == ["b", "c", "a"]
    heads.get_by_role("button", name="example").press("Enter")
    assert column(page, 1) == ["a", "c", "b"]
    assert page.locator("#models th[aria-sort=descending]").inner_text() == "example"
    said = page.locator("#orders").inner_text()
    assert "FLOPs order 2 of 3 pairs otherwise than time does" in said
    assert "a has 0.50 of the FLOPs of b and takes 3.00 times as long" in said
    assert "FLOPs order all 3 pairs as time does" in said  # on the other one


def test_hostile_names_are_text_in_a_comparison(opened: Opened) -> None:
    reports = [(hostile(model(kind, i + 1, 9, 20.0 - i), text), ()) for i, (kind, text) in enumerate(HOSTILE.items())]
    found = compared(reports, "order")
    page = opened(compare_html.render([found], View()))
    drawn(page, "x")
    shown = [name.strip() for name in page.locator("#models tbody tr > :nth-child(1) b").all_text_contents()]
    assert shown == [escape.visible(one.name).strip() for one in found.models]
    assert page.locator("main img, main script, iframe, main a[href^=http], .plot a[href*=evil]").count() == 0


# --- the diff --------------------------------------------------------------------------------------------------------


def test_the_layers_of_a_diff_are_filtered(opened: Opened, diff: Diff) -> None:
    page = opened(diff_html.render([diff], View()))
    rows = page.locator("#layers tbody tr")
    assert rows.count() == len(diff.layers)
    shown = page.locator("#layers tbody tr:visible")
    page.get_by_role("button", name="removed").click()
    assert [text.split("\t")[0] for text in shown.all_inner_texts()] == ["gone"]
    page.get_by_role("button", name="all", exact=True).click()
    page.get_by_label("Filter layers").fill("stem")
    assert [text.split("\t")[0] for text in shown.all_inner_texts()] == ["stem"]
    assert "1×8×14×14 → 1×16×14×14" in shown.first.inner_text()
    page.locator("#layers thead").get_by_role("button", name="params").click()  # sorted, it is filtered still
    assert shown.count() == 1


def test_a_diff_shows_totals_classes_and_findings(opened: Opened, diff: Diff) -> None:
    page = opened(diff_html.render([diff], View()))
    before, after = 8 * 8 * 9 * 14 * 14 + (8 * 8 + 8 * 64) * 14 * 14, (8 * 16 * 9 + 16 * 16) * 14 * 14
    assert (diff.totals["madds"].old, diff.totals["madds"].new) == (before, after)
    page.get_by_role("button", name="multiply-adds").click()
    new, old = drawn(page, "x")
    assert (sum(old), sum(new)) == (before, after)
    assert "channel widths 8 to 1: c1=8, c2=64" in page.locator("#findings").inner_text()
    assert page.locator("#findings h3").all_inner_texts() == ["Mended"]
    assert "−100.0 %" not in page.locator("#totals").inner_text()


def test_hostile_names_are_text_in_a_diff(opened: Opened) -> None:
    texts = [HOSTILE[kind] for kind in ("html", "xml", "markdown", "surrogate", "bidi")]
    diffs = [compare(hostile(GOLDEN, text), hostile(replace(GOLDEN, findings=()), text[::-1])) for text in texts]
    page = opened(diff_html.render(diffs, View()))
    assert page.locator("section[id^=totals] h2").count() == len(texts)
    heads = page.locator("section[id^=totals] h2").all_text_contents()
    assert all(escape.visible(text).strip() in head for text, head in zip(texts, heads, strict=True))
    assert page.locator("main img, main script, iframe").count() == 0


def test_the_name_of_a_class_is_text_on_an_axis(opened: Opened, diff: Diff) -> None:
    """A saved report may have any; plotly would make a bold word and a link of this one."""
    name = "<b>x</b><a href='https://evil.example'>y</a>"
    changes = next(iter(diff.classes.values()))
    page = opened(diff_html.render([replace(diff, classes={name: changes})], View()))
    drawn(page, "x")
    assert page.locator(".plot .ytick text").text_content() == name
    assert page.locator(".plot .ytick a, .plot .ytick [style*=bold]").count() == 0
