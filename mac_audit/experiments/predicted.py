"""The paper predicted: speeds of networks that nothing was fitted on, as markdown.

``python -m mac_audit.experiments.predicted`` prints what docs/devices.md shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch

from mac_audit.capture import capture
from mac_audit.device import STAND_IN, Device, peak_of
from mac_audit.device_file import find
from mac_audit.experiments import PLATFORMS, Platform, printed
from mac_audit.experiments.blocks import Stack, stacks
from mac_audit.load import load
from mac_audit.lower import lower
from mac_audit.network import Network
from mac_audit.profile import Profile
from mac_audit.ranks import rank_correlation, scaled_error

KERNEL = 10e-6  # seconds, of the plainest prediction: one peak, one bandwidth, so much for each kernel
BATCH: dict[Platform, int] = {"gpu": 8, "arm": 1}  # of the paper's whole networks; Table 1b does not state its own
KINDS = {  # of Figure 2, in our classes
    "conv": ("conv", "pointwise-conv", "grouped-conv", "depthwise-conv", "matmul"),
    "elementwise": ("elementwise", "norm"),
    "data and shuffle": ("data-movement",),
    "other": ("pool", "reduction", "other"),
}


def profile(stack: Stack, execution: str, device: Device) -> Profile:
    """Of ten units at the batch of the platform."""
    return Profile(_network(stack), execution, device)


@cache
def _network(stack: Stack) -> Network:
    with torch.device("meta"):
        model = stack.build().eval()
    image = torch.empty(BATCH[stack.platform], stack.width, stack.side, stack.side, device="meta")
    return lower(capture(model, image))


def plainest(profile: Profile, device: Device) -> float:
    """Seconds from the datasheet alone: madds ÷ peak + bytes ÷ bandwidth + 10 µs a kernel."""
    cost = profile.total
    arithmetic = 2 * cost.madds / peak_of(STAND_IN, device)
    return arithmetic + cost.mac_bytes / device.bandwidth.value + KERNEL * cost.operators


def orders(platform: Platform) -> Iterator[str]:
    """Rows of the table: how well each prediction orders the blocks, those that are not suspect and all."""
    device = find(PLATFORMS[platform])
    everything = stacks(platform)
    trusted = [stack for stack in everything if not stack.suspect]
    for execution in ("folded", "fused"):
        predictions: dict[str, Callable[[Profile], float]] = {
            "FLOPs": lambda p: p.total.madds,
            "memory access": lambda p: p.total.mac_bytes,
            "one peak, one bandwidth, 10 µs a kernel": lambda p: plainest(p, device),
            f"**mac-audit --device {device.name}**": lambda p: p.predicted_ms or 0,
        }
        for name, predict in predictions.items():
            cells = []
            for some in (trusted, everything):
                seconds = [predict(profile(stack, execution, device)) for stack in some]
                measured = [1 / stack.speed for stack in some]
                cells += [f"{rank_correlation(seconds, measured):.3f}", f"{scaled_error(seconds, measured):.0%}"]
            yield f"| {device.name} | {execution} | {name} | {cells[0]} | {cells[1]} | {cells[2]} |"


def decompositions() -> Iterator[str]:
    """Rows of the table: the paper's Figure 2 beside what is predicted."""
    for row in printed("decomposition")["rows"]:
        device = find(PLATFORMS[row["platform"]])
        found = _shares(row, device)
        read = {
            "conv": row["conv"],
            "elementwise": row["elementwise"],
            "data and shuffle": row["data"] + row["shuffle"],
            "other": row["other"],
        }
        cells = " | ".join(f"{found[kind]:.0f} ({read[kind]:g})" for kind in KINDS)
        yield f"| {row['network']} | {device.name} | {cells} |"


def _shares(row: dict[str, Any], device: Device) -> dict[str, float]:
    """Percent of the time by kind."""
    loaded = load(f"zoo:{row['network']}", inputs=[f"{BATCH[row['platform']]},3,224,224"])
    timing = Profile(lower(capture(loaded.model, loaded.inputs)), "folded", device).timing
    assert timing is not None
    return {
        kind: 100 * sum(timing.classes[name].seconds for name in names if name in timing.classes) / timing.total.seconds
        for kind, names in KINDS.items()
    }


def main() -> None:
    """Print both tables."""
    lines = [
        "| device | execution | prediction | rank correlation | error, scale apart | with the suspect rows |",
        "|---|---|---|---|---|---|",
        *(line for platform in PLATFORMS for line in orders(platform)),
        "",
        "| network | device | " + " | ".join(KINDS) + " |",
        "|---|---|" + "---|" * len(KINDS),
        *decompositions(),
    ]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
