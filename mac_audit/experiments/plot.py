"""Relative speed against memory access, a panel a guideline, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from mac_audit.errors import MacAuditError
from mac_audit.experiments.outcome import Experiment
from mac_audit.files import write_whole


def draw(found: Sequence[Experiment], path: Path) -> None:
    """Write ``path``, whose suffix says the format (.svg, .png)."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MacAuditError("A plot needs matplotlib; install mac-audit[plot].") from None
    figure = Figure(figsize=(4.2 * len(found), 3.9), layout="constrained")
    for axes, experiment in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
        for scan, marker in zip(experiment.scans, "os^", strict=False):
            points = sorted(scan.points, key=lambda point: point.mac_elements)
            access = [point.mac_elements / scan.points[0].mac_elements for point in points]
            here = [point.here for point in points]
            within = [(p.here - low, high - p.here) for p in points for low, high in [p.within]]
            lengths = list(zip(*within, strict=True))
            axes.errorbar(
                access, here, lengths, marker=marker, color="C0", capsize=2, label=f"here, {scan.width} channels"
            )
        for name, color, title in (("gpu", "C1", "GTX 1080 Ti"), ("arm", "C2", "Snapdragon 810")):
            scan = experiment.scans[-1]
            points = sorted(scan.points, key=lambda point: point.mac_elements)
            access = [point.mac_elements / scan.points[0].mac_elements for point in points]
            paper = [point.paper[name] for point in points]  # type: ignore[index]
            axes.plot(access, paper, linestyle=":", marker="x", color=color, label=f"the paper's {title}")
        axes.set_title(f"{experiment.guideline.upper()} {experiment.verdict}: {experiment.cost:+.0%} time")
        axes.set_xlabel("memory access, relative")
        axes.set_ylabel("speed, relative")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7)
    figure.suptitle(f"{found[0].device}, {found[0].dtype}, torch {found[0].torch}", fontsize=9)
    picture = io.BytesIO()
    try:
        figure.savefig(picture, format=path.suffix[1:], dpi=120)
    except ValueError as error:
        raise MacAuditError(f"{path} is no picture that can be drawn: {error}; give an .svg or a .png.") from None
    write_whole(path, picture.getvalue())
