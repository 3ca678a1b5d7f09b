"""Run a model for real, and set what it takes beside what was predicted: as a whole, and operator by operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from mac_audit.device import Device
from mac_audit.errors import MacAuditError
from mac_audit.measuring.calibrate import torch_version
from mac_audit.measuring.running import inference, running
from mac_audit.measuring.stopwatch import Sample, interleaved
from mac_audit.measuring.store import Timings, in_words, signature
from mac_audit.profile import Profile
from mac_audit.timing import Timing

EXECUTION = "eager"  # how PyTorch runs a model


@dataclass(frozen=True)
class Row:
    """An operator: its name, what it is, milliseconds predicted and measured."""

    name: str
    kind: str
    layer: str
    predicted: float
    measured: float


@dataclass(frozen=True)
class Measurement:
    """A model on this machine, beside its prediction from calibration alone and from measured operators."""

    target: str
    device: Device
    whole: Sample
    calibrated: Timing
    replayed: Timing
    rows: tuple[Row, ...]

    @property
    def error(self) -> float:
        """Of the prediction from calibration alone, relative; above zero where it was too long."""
        return self.calibrated.total.seconds / self.whole.seconds - 1


def backend_of(device: Device) -> str:
    """What torch calls it; ``MacAuditError`` where it is not the machine at hand."""
    if device.fit is None or not device.fit.data.endswith(torch_version()):
        raise MacAuditError(
            f"{device.name} was not calibrated here with torch {torch_version()}; run `mac-audit calibrate` and use"
            " --device auto."
        )
    return "cpu" if device.kind == "cpu" else "cuda"


def store_of(device: Device) -> Timings:
    """Where the times of its operators are kept."""
    return Timings(device.name, torch_version())


def measure(
    model: nn.Module, inputs: Any, device: Device, target: str, rounds: int = 9, store: Timings | None = None
) -> Measurement:
    """Run ``model`` with random weights on ``device``, this machine; ``store`` keeps the operators' times.

    The model has these weights afterwards.
    """
    backend = backend_of(device)
    with inference(device.threads):
        torch.manual_seed(0)
        work = running(model, inputs, backend)
        whole = interleaved({"model": work}, rounds)["model"]
        alone = work.operator_seconds(rounds)
    profile = Profile(work.network, EXECUTION)
    calibrated = Timing(profile.operators, work.network, device, EXECUTION)
    if store is not None:
        operators = {operator.name: operator for operator in work.network.operators}
        store.add(
            (signature(operators[name], work.network), in_words(operators[name], work.network), seconds, 0.0)
            for name, seconds in alone.items()
        )
    return Measurement(
        target=target,
        device=device,
        whole=whole,
        calibrated=calibrated,
        replayed=Timing(profile.operators, work.network, device, EXECUTION, alone),
        rows=_rows(profile, calibrated, alone),
    )


def _rows(profile: Profile, timing: Timing, alone: Mapping[str, float]) -> tuple[Row, ...]:
    return tuple(
        Row(
            name=costed.operator.target.removeprefix("aten.").partition(".")[0],
            kind=costed.kind,
            layer=costed.operator.layer,
            predicted=1000 * timing.times[costed.operator.name].total,
            measured=1000 * alone[costed.operator.name],
        )
        for costed in profile.working
        if costed.operator.name in alone
    )
