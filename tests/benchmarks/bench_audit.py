"""What an audit costs: printed, never asserted, for machines differ and are shared.

Run ``python -m tests.benchmarks.bench_audit [NAME ...]``; each row is measured in a process of its own. The floor is a
bare ``forward`` of the same model under torch's ``FakeTensorMode``, the making of the fake parameters included; audits
and floors take turns, so that other load meets both.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

RUNS = 9
LLAMA_405B = {  # Grattafiori et al., The Llama 3 Herd of Models, 2024, Table 3
    "num_hidden_layers": 126,
    "hidden_size": 16384,
    "intermediate_size": 53248,
    "num_attention_heads": 128,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
ROWS: dict[str, dict[str, Any]] = {
    "resnet50": {"target": "zoo:resnet50"},
    "shufflenet_v2": {"target": "zoo:shufflenet_v2_x1_0"},
    "nasnet_a_mobile": {"target": "zoo:nasnet_a_mobile"},
    "swin_t": {"target": "torchvision:swin_t"},
    "bert_base": {"target": "transformers:BertModel"},
    "llama_7b": {"target": "transformers:LlamaForCausalLM"},
    "llama_405b": {"target": "transformers:LlamaForCausalLM", "arguments": LLAMA_405B, "seq_len": 8192},
}


def main() -> None:
    """Print the table."""
    help_times = [_command_time("--help") for _ in range(RUNS)]
    whole_times = [_command_time("zoo:resnet50", "-o", "json") for _ in range(3)]
    print(f"mac-audit --help             {statistics.median(help_times):6.2f} s   whole process, median of {RUNS}")
    print(f"mac-audit zoo:resnet50       {statistics.median(whole_times):6.2f} s   whole process, median of 3")
    print()
    print(f"{'seconds':20}{'build':>8}{'first':>8}{'warm':>8}{'floor':>8}{'warm/floor':>12}{'peak over torch':>18}")
    for name in sys.argv[1:] or ROWS:
        command = [sys.executable, "-m", "tests.benchmarks.bench_audit", "--one", name]
        row = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        print(
            f"{name:20}{row['build']:8.3f}{row['first']:8.3f}{row['warm']:8.3f}{row['floor']:8.3f}"
            f"{row['ratio']:12.2f}{row['peak_mb']:15.0f} MB"
        )


def _command_time(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mac_audit", *arguments], capture_output=True, check=False)
    return time.perf_counter() - start


def _one(name: str) -> None:
    import torch

    from tests.torchvision_operators import import_torchvision

    torch.set_num_threads(1)
    row = dict(ROWS[name])
    if row["target"].startswith("torchvision:"):
        import_torchvision()
    if row["target"].startswith("transformers:"):
        import_torchvision()  # transformers looks for it
        from transformers import BertModel, LlamaForCausalLM  # noqa: F401
    from mac_audit import api, zoo
    from mac_audit.load import load

    zoo.models()  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    loaded = load(row.pop("target"), row.pop("arguments", {}), **row)
    build = time.perf_counter() - start
    audits, floors = [], []
    for _ in range(3 if "405b" in name else RUNS):
        audits.append(_timed(lambda: api.audit(loaded.model, loaded.inputs)))
        floors.append(_timed(lambda: _floor(loaded)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    warm, floor = statistics.median(audits[1:]), statistics.median(floors[1:])
    figures = {"build": build, "first": audits[0], "warm": warm, "floor": floor, "ratio": warm / floor}
    print(json.dumps({**figures, "peak_mb": (peak - before) / 1024, "torch": torch.__version__}))


def _timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _floor(loaded: Any) -> None:
    import torch

    from mac_audit import _torch as private
    from mac_audit.nested import map_tensors

    mode = private.FakeTensorMode(allow_non_fake_inputs=True)
    model = loaded.model.eval()
    state = {name: private.fake_twin(mode, tensor) for name, tensor in model.state_dict().items()}
    args, kwargs = map_tensors(
        lambda tensor: private.fake_twin(mode, tensor), (loaded.inputs.args, dict(loaded.inputs.kwargs))
    )
    with torch.no_grad(), mode:
        torch.func.functional_call(model, state, args, kwargs)


if __name__ == "__main__":
    _one(sys.argv[2]) if sys.argv[1:2] == ["--one"] else main()
