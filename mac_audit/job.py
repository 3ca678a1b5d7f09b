"""Job: one model to audit and how to judge it, as plain data, done here or in a process of its own."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mac_audit import engine
from mac_audit.comparison import Predicted
from mac_audit.device import Device
from mac_audit.device_file import find
from mac_audit.errors import MacAuditError
from mac_audit.experiments.kept import evidence_on
from mac_audit.files import read
from mac_audit.garbage import collected_later
from mac_audit.measuring.store import known_times
from mac_audit.network import Network
from mac_audit.plugins import load_plugins
from mac_audit.profile import Profile
from mac_audit.report import Report, Severity
from mac_audit.request import Request, is_saved
from mac_audit.rule import Rule, discover
from mac_audit.selection import Choice
from mac_audit.suppress import LayerIgnore, Use, suppressed
from mac_audit.sweep import Axis, Point, fields, grid

# Fields of a request that mean something without a model, or that limit what a model may do.
_ACT_ON_SAVED = ("target", "execution", "device", "plugins", "timeout", "memory", "network", "isolation")


@dataclass(frozen=True, slots=True)
class Job:
    """What to audit and by what. ``folder`` is where modules are looked for, besides the working directory.

    ``devices`` are named like that of the request: the time of the whole is predicted for them too. ``notes`` are what
    its report tells of how it came about.
    """

    name: str
    request: Request
    choices: tuple[Choice, ...]
    ignores: tuple[LayerIgnore, ...] = ()
    fail_on: Severity = "error"
    flop_convention: Literal["paper", "torch"] = "paper"
    folder: str = ""
    devices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def needs_torch(self) -> bool:
        """Whether there is a model to capture, and not a network that was saved."""
        return not is_saved(self.request.target)


@dataclass(frozen=True, slots=True)
class Audited:
    """The report of a job, the use that each suppression was of, and times on further devices."""

    report: Report
    uses: tuple[Use, ...] = ()
    times: tuple[Predicted, ...] = ()


@collected_later()
def run(job: Job, network: Callable[[Request], Network] | None = None) -> Audited:
    """Capture, cost and judge; ``network`` stands in for ``network_of``. ``MacAuditError`` where it cannot be done."""
    if job.folder and job.folder not in sys.path:
        sys.path.append(job.folder)
    rules = discover(load_plugins(job.request.plugins))
    device = find(job.request.device) if job.request.device else None  # a wrong name is told before the model is built
    further = [find(name) for name in job.devices]
    captured = (network or network_of)(job.request)
    profile = profiled(captured, job.request.execution, device)
    report = judged(
        profile,
        rules,
        job.choices,
        target=job.request.target,
        name=job.name,
        fail_on=job.fail_on,
        flop_convention=job.flop_convention,
    )
    times = tuple(_predicted(profiled(captured, job.request.execution, one)) for one in further)
    return Audited(*suppressed(report, profile, rules, job.ignores), times)


def profiled(network: Network, execution: str, device: Device | None) -> Profile:
    """The profile of ``network``, with what was measured on ``device``: times of operators, and experiments."""
    return Profile(network, execution, device, known_times(device), evidence_on(device))


def _predicted(profile: Profile) -> Predicted:
    """The time of the whole; the profile has a device."""
    timing = profile.timing
    assert timing is not None
    return Predicted(engine.device_info(timing), timing.total.ms, timing.notes())


def audited(job: Job) -> Iterator[Audited]:
    """``run``, as work that can be done apart."""
    yield run(job)


def points(job: Job, axes: Sequence[Axis]) -> Iterator[Point]:
    """``job`` at every point of the grid, its model built once.

    A point at which the model does not run has an error in the place of a report. Raises ``MacAuditError`` where it
    cannot be built.
    """
    network: Callable[[Request], Network] | None = None
    for sizes in grid(axes):
        request = replace(job.request, **fields(sizes))
        try:
            if network is None:
                from mac_audit.tracing import traces

                network = traces(request)
            point = Point(sizes, run(replace(job, request=request), network).report)
        except MacAuditError as error:
            if network is None:
                raise
            point = Point(sizes, error=str(error))
        yield point


def traced(request: Request) -> Iterator[str]:
    """The network that ``request`` names as JSON."""
    yield network_of(request).to_json() + "\n"


def judged(profile: Profile, rules: Sequence[Rule], choices: Sequence[Choice], **told: Any) -> Report:
    """The report of ``profile`` by those of ``rules`` that were chosen; ``told`` is what else the engine takes."""
    chosen = {choice.code: choice for choice in choices}
    return engine.audit(
        profile,
        [rule for rule in rules if rule.code in chosen],
        options={code: choice.options for code, choice in chosen.items()},
        severities={code: choice.severity for code, choice in chosen.items()},
        **told,
    )


def network_of(request: Request) -> Network:
    """The network that ``request`` names: one that was saved, without torch, or captured from a model."""
    if is_saved(request.target):
        return _saved(request)
    from mac_audit.tracing import trace

    try:
        return trace(request)
    except SystemExit:
        raise MacAuditError(
            f"Auditing {request.target} ended the program; its forward calls sys.exit, take that out."
        ) from None


def _saved(request: Request) -> Network:
    plain = Request(request.target)
    for field in dataclasses.fields(Request):
        if field.name not in _ACT_ON_SAVED and getattr(request, field.name) != getattr(plain, field.name):
            raise MacAuditError(f"{request.target} is captured already; {field.name} has nothing to act on.")
    text = read(request.target, request.target, f"mac-audit trace MODEL -o {request.target} writes one")
    return Network.from_json(text, request.target)
