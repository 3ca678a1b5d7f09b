"""Devices as text: one line each, or one with all its figures and their sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mac_audit.device import STAND_IN, Device, Figure
from mac_audit.units import count, duration, percent, size


def overview(devices: Sequence[Device]) -> str:
    """A line a device: its float32 peak, bandwidth, launch, and the error on held-out data."""
    lines = [f"{'device':18}{'peak':>12}{'bandwidth':>12}{'launch':>10}{'error':>8}  what it is"]
    for device in devices:
        peak = count(device.peak[STAND_IN].value, "FLOP/s")
        error = percent(device.error) if device.error is not None else "–"
        figures = f"{peak:>12}{size(device.bandwidth.value) + '/s':>12}{duration(1000 * device.launch.value):>10}"
        lines.append(f"{device.name:18}{figures}{error:>8}  {device.title}")
    lines.append("peak: float32, a multiply-add as two. error: median, on data that was held out; –: never compared.")
    return "\n".join(lines) + "\n"


def page(device: Device) -> str:
    """All that is known of a device."""
    return "\n".join(_lines(device)) + "\n"


def _lines(device: Device) -> Iterator[str]:
    yield f"{device.name}  {device.title}"
    yield ""
    for dtype, peak in device.peak.items():
        yield _figure(f"peak {dtype}", count(peak.value, "FLOP/s"), peak)
    yield _figure("bandwidth", size(device.bandwidth.value) + "/s", device.bandwidth)
    for cache in device.caches:
        figures = f"{size(cache.size)}, {size(cache.bandwidth)}/s"
        yield f"  {'cache':14}{figures:>22}  {cache.source}"
    yield _figure("launch", duration(1000 * device.launch.value), device.launch)
    if device.view is not None:
        yield _figure("view", duration(1000 * device.view.value), device.view)
    yield _figure("lanes", count(device.lanes.value), device.lanes)
    yield ""
    yield "  share of      peak  bandwidth  half width  half fill  launches a group"
    for kind, rates in device.rates.items():
        shares = f"{percent(rates.compute):>8}{percent(rates.memory):>11}"
        yield f"  {kind:16}{shares}{rates.width:12.3g}{rates.fill:11.3g}{rates.per_group:18.3g}".rstrip()
    yield ""
    yield f"{device.source}."
    if device.fit is not None:
        fit = device.fit
        yield f"error {percent(fit.error)} there, {percent(fit.held_out)} held out; run as {fit.execution}."


def _figure(name: str, value: str, figure: Figure) -> str:
    return f"  {name:14}{value:>22}  {figure.source}"
