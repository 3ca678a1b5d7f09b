"""How good the predicted times are on this machine: models that calibration never saw, run and compared.

``python docs/accuracy.py`` calibrates this machine for one and for two threads where it is not yet, runs each model at
batch 1 and 8, and puts the table into docs/accuracy.md. What was measured is kept (``$MAC_AUDIT_HOME``), so that an
interrupted run goes on; ``--afresh`` begins anew, ``--only NAME`` runs models whose name holds that. It needs
torchvision and transformers, and about a quarter of an hour on a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mac_audit.device import Device, peak_of
from mac_audit.device_file import calibrated, find, home, written
from mac_audit.inputs import Inputs
from mac_audit.load import load
from mac_audit.measuring import calibrate as calibration
from mac_audit.measuring.measure import measure
from mac_audit.measuring.store import Timings
from mac_audit.ranks import error, rank_correlation, scaled_error

PAGE = Path(__file__).parent / "accuracy.md"
THREADS = (1, 2)
BATCHES = (1, 8)
TOKENS = 128

ZOO = ("shufflenet_v1_g3_x1_0", "shufflenet_v2_x1_5", "mobilenet_v1_x1_0", "nasnet_a_mobile")
TORCHVISION = (
    *("alexnet", "squeezenet1_0", "squeezenet1_1", "resnet18", "resnet34", "resnet50", "resnext50_32x4d", "vgg11"),
    *("densenet121", "googlenet", "inception_v3", "mnasnet0_5", "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_small"),
    *("mobilenet_v3_large", "efficientnet_b0", "efficientnet_b1", "regnet_x_400mf", "regnet_y_400mf", "regnet_x_800mf"),
    *("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "convnext_tiny", "swin_t", "vit_b_16"),
)
TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Bert": (
        "BertModel",
        {"hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 4, "intermediate_size": 1024},
    ),
    "DistilBert": ("DistilBertModel", {"n_layers": 6, "n_heads": 12, "dim": 768, "hidden_dim": 3072}),
    "GPT2": ("GPT2Model", {"n_embd": 384, "n_layer": 6, "n_head": 6}),
    "Albert": (
        "AlbertModel",
        {"hidden_size": 312, "num_hidden_layers": 4, "num_attention_heads": 12, "intermediate_size": 1248},
    ),
    "Electra": (
        "ElectraModel",
        {"hidden_size": 256, "num_hidden_layers": 12, "num_attention_heads": 4, "intermediate_size": 1024},
    ),
}


Built = tuple[nn.Module, Inputs]


def models() -> dict[str, Callable[[int], Built]]:
    """Each by name, to build for a batch."""
    found: dict[str, Callable[[int], Built]] = {f"zoo:{name}": partial(_vision, f"zoo:{name}") for name in ZOO}
    found |= {f"torchvision:{name}": partial(_vision, f"torchvision:{name}") for name in TORCHVISION}
    found |= {f"transformers:{name}": partial(_text, name) for name in TRANSFORMERS}
    return found


def _vision(target: str, batch: int) -> Built:
    size = 299 if "inception" in target else 224
    loaded = load(target, inputs=[f"{batch},3,{size},{size}"])
    return loaded.model, loaded.inputs


def _text(name: str, batch: int) -> Built:
    import transformers

    kind, sizes = TRANSFORMERS[name]
    config = getattr(transformers, f"{name}Config")(**sizes, attn_implementation="sdpa", use_cache=False)
    model: nn.Module = getattr(transformers, kind)(config)
    tokens = torch.zeros(batch, TOKENS, dtype=torch.int64)
    return model, Inputs(kwargs={"input_ids": tokens})


def with_torchvision() -> None:
    """Make ``import torchvision`` work beside a CPU build of torch, where its compiled operators cannot load."""
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

    torchvision._keep_alive = library  # type: ignore[attr-defined]


def device_for(threads: int, afresh: bool) -> Device:
    """This machine, calibrated now where it was not before."""
    machine = calibration.machine("cpu", threads)
    if machine.name in calibrated() and not afresh:
        return find(machine.name)
    store = Timings(machine.name, calibration.torch_version())
    if afresh:
        store.forget()
    found = calibration.measure(machine, store, lambda what, done, of: _say(f"{threads} threads: {what} {done}/{of}"))
    device = calibration.device_of(machine, found, *calibration.memory_ladder(machine))
    path = home() / "devices" / f"{device.name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written(device), encoding="utf-8")
    return device


def run(build: Callable[[int], Built], batch: int, device: Device) -> dict[str, float]:
    """Seconds measured and predicted, and what the plain predictions start from."""
    model, inputs = build(batch)
    found = measure(model, inputs, device, "", rounds=7 if batch == 1 else 5)
    costs = found.calibrated.costs
    peak, bandwidth = peak_of("float32", device), device.bandwidth.value
    return {
        "operators": len(costs),
        "measured": found.whole.seconds,
        "spread": found.whole.spread,
        "calibrated": found.calibrated.total.seconds,
        "replayed": found.replayed.total.seconds,
        "flops": sum(cost.madds for cost in costs),
        "mac": sum(cost.mac_bytes for cost in costs),
        "roofline": sum(max(2 * cost.madds / peak, cost.mac_bytes / bandwidth) for cost in costs),
    }


def table(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Median absolute error and rank correlation of each prediction, by threads and batch, and over all."""
    yield "| threads | batch | models | FLOPs alone | MAC alone | plain roofline | calibration | measured operators |"
    yield "|---|---|---|---|---|---|---|---|"
    groups = [(t, b) for t in THREADS for b in BATCHES]
    for threads, batch in groups:
        rows = [row for row in results if (row["threads"], row["batch"]) == (threads, batch)]
        if rows:
            yield f"| {threads} | {batch} | {len(rows)} | {' | '.join(_cells(rows))} |"
    yield f"| all | all | {len(results)} | {' | '.join(f'**{cell}**' for cell in _cells(results))} |"


def _cells(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    seconds = [row["measured"] for row in rows]
    for name in ("flops", "mac", "roofline"):
        predicted = [row[name] for row in rows]
        yield f"{scaled_error(predicted, seconds):.0%}, {rank_correlation(predicted, seconds):.3f}"
    for name in ("calibrated", "replayed"):
        predicted = [row[name] for row in rows]
        yield f"{error(predicted, seconds):.1%}, {rank_correlation(predicted, seconds):.3f}"


def each(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Every model: milliseconds at one thread, and how far off its predictions are."""
    yield "| model | batch | threads | measured, ms | from calibration | from measured operators |"
    yield "|---|---|---|---|---|---|"
    for row in sorted(results, key=lambda row: (row["model"], row["batch"], row["threads"])):
        off = (f"{row[name] / row['measured'] - 1:+.0%}" for name in ("calibrated", "replayed"))
        yield (
            f"| {row['model']} | {row['batch']} | {row['threads']} | {1000 * row['measured']:.1f} | {' | '.join(off)} |"
        )


def write(results: Sequence[dict[str, Any]], devices: Sequence[Device]) -> None:
    """Put the tables between their marks in the page."""
    when = datetime.now(UTC).date().isoformat()
    named = "; ".join(
        f"{device.title}: {device.fit.held_out:.1%} on workloads left out" for device in devices if device.fit
    )
    spread = sorted(row["spread"] for row in results)[len(results) // 2]
    about = f"{when}, torch {torch.__version__}, {named}; median spread of a measurement {spread:.1%}."
    text = PAGE.read_text(encoding="utf-8")
    for mark, lines in (("about", [about]), ("table", table(results)), ("each", each(results))):
        before, start, rest = text.partition(f"<!-- {mark} -->\n")
        _, end, after = rest.partition(f"<!-- /{mark} -->")
        text = before + start + "\n".join(lines) + "\n" + end + after
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Calibrate, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--afresh", action="store_true", help="forget what was measured")
    parser.add_argument("--only", default="", help="models whose name holds this; the page is not written")
    options = parser.parse_args()
    kept = home() / "accuracy.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if options.afresh:
        kept.unlink(missing_ok=True)
    results = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {(row["model"], row["batch"], row["threads"]) for row in results}
    with_torchvision()
    chosen = {name: build for name, build in models().items() if options.only in name}
    devices = [device_for(threads, options.afresh) for threads in THREADS]
    for threads, device in zip(THREADS, devices, strict=True):
        for name, build in chosen.items():
            for batch in BATCHES:
                if (name, batch, threads) in done:
                    continue
                start = time.monotonic()
                row = {"model": name, "batch": batch, "threads": threads, **run(build, batch, device)}
                results.append(row)
                with kept.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                off = row["calibrated"] / row["measured"] - 1, row["replayed"] / row["measured"] - 1
                _say(f"{threads} {batch} {name}: {off[0]:+.0%} {off[1]:+.0%}, {time.monotonic() - start:.0f} s")
    print("\n".join(table(results)))
    if not options.only:
        write(results, devices)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
