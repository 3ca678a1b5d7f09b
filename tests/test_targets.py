"""Targets of libraries and of files that hold a model: what they build, and what is said where they cannot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mac_audit.api import audit
from mac_audit.capture import capture
from mac_audit.construction import ON_META
from mac_audit.errors import MacAuditError
from mac_audit.load import load
from mac_audit.nested import map_tensors
from mac_audit.targets import scheme_of
from mac_audit.targets._configured import read_config
from mac_audit.targets._settings import configuration

TINY = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 99}
# Llama 3 405B: Table 3 of Grattafiori et al., The Llama 3 Herd of Models, 2024.
LLAMA_405B = {
    **{"num_hidden_layers": 126, "hidden_size": 16384, "intermediate_size": 53248, "num_attention_heads": 128},
    **{"num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192},
}
pytestmark = pytest.mark.usefixtures("torchvision")  # which transformers and diffusers import


# --- transformers --------------------------------------------------------------------------------------------------


def test_a_model_of_405_billion_parameters_takes_no_memory() -> None:
    model = load("transformers:LlamaForCausalLM", LLAMA_405B, seq_len=8192).model
    width, inside, vocabulary = 16384, 53248, 128256
    layer = 2 * width * width + 2 * width * (8 * 128) + 3 * width * inside + 2 * width
    assert sum(p.numel() for p in model.parameters()) == 126 * layer + width + 2 * vocabulary * width
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert sum(b.numel() for b in model.buffers()) < 1000


FUNNEL = {"block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48, "vocab_size": 99}


@pytest.mark.parametrize(
    ("name", "arguments", "built"),
    [("LlamaConfig", TINY, "LlamaModel"), ("llama", TINY, "LlamaModel"), ("funnel", FUNNEL, "FunnelModel")],
)
def test_a_configuration_names_its_model(name: str, arguments: dict[str, Any], built: str) -> None:
    """Of several, as Funnel's with and without a decoder, the one that transformers' own AutoModel lists first."""
    assert type(load(f"transformers:{name}", arguments).model).__name__ == built


def test_arguments_go_to_the_constructor_or_to_a_nested_configuration() -> None:
    assert load("transformers:BertModel", {**TINY, "add_pooling_layer": False}).model.pooler is None
    arguments = {"text_config.num_hidden_layers": 1, "vision_config.num_hidden_layers": 2}
    assert load("transformers:bert", {**TINY, "add_pooling_layer": False}).model.pooler is None
    config = load("transformers:llava", arguments).model.config
    assert (config.text_config.num_hidden_layers, config.vision_config.num_hidden_layers) == (1, 2)
    assert config.vision_config.image_size == 336  # what LLaVA chooses, and not CLIP's own 224


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("name", ["gemma3", "qwen2_5_vl", "qwen2_audio"])
def test_fewer_layers_need_no_other_argument(name: str, from_file: bool, tmp_path: Path) -> None:
    """What follows from their number, such as the type of each, is in published files as well."""
    from transformers import AutoConfig

    target = name
    if from_file:
        AutoConfig.for_model(name).to_json_file(target := str(tmp_path / "config.json"), use_diff=False)
    arguments = {"text_config.num_hidden_layers": 2, "text_config.hidden_size": 64}
    config = configuration_of(target, arguments)
    alone = type(config.text_config)(num_hidden_layers=2)
    assert config.text_config.num_hidden_layers == 2
    assert config.text_config.hidden_size == 64
    assert config.text_config.layer_types == alone.layer_types
    published = AutoConfig.for_model(name)
    assert config.text_config.intermediate_size == published.text_config.intermediate_size


def test_layer_types_of_a_file_that_nothing_derives_are_kept(tmp_path: Path) -> None:
    values = {"model_type": "gemma3_text", "num_hidden_layers": 3, "layer_types": ["full_attention"] * 3}
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(MacAuditError, match=r"`num_hidden_layers` \(2\) must be equal to the number of `layer_types`"):
        configuration_of(str(tmp_path), {"num_hidden_layers": 2})
    types = {"num_hidden_layers": 2, "layer_types": ["full_attention"] * 2}
    assert configuration_of(str(tmp_path), types).layer_types == ["full_attention"] * 2


def test_a_number_that_json_does_not_have(tmp_path: Path) -> None:
    from transformers import Mamba2Config

    Mamba2Config(time_step_limit=(0.5, float("inf"))).save_pretrained(tmp_path)
    assert configuration_of(str(tmp_path), {}).time_step_limit[1] == float("inf")


def test_a_setting_that_only_the_code_of_the_model_reads() -> None:
    """DBRX's published file sets ``rope_theta``, which its class of configurations does not list."""
    config = configuration_of("dbrx", {"attn_config.rope_theta": 5000.0})
    assert config.attn_config.rope_theta == 5000.0
    with pytest.raises(MacAuditError, match="dbrx in attn_config has no 'rope_teta' to set with --arg"):
        configuration_of("dbrx", {"attn_config.rope_teta": 5000.0})


def configuration_of(name: str, arguments: dict[str, Any]) -> Any:
    """The configuration alone, where building the model would take long."""
    import transformers

    values = read_config(name) or {"model_type": name}
    found = transformers.CONFIG_MAPPING[values["model_type"]]
    return configuration(found, values if values != {"model_type": name} else {}, arguments, f"transformers:{name}")


@pytest.mark.parametrize("directory", [False, True])
def test_a_local_configuration(directory: bool, tmp_path: Path) -> None:
    values = {**TINY, "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "dtype": "bfloat16"}
    (tmp_path / "config.json").write_text(json.dumps(values))
    loaded = load(f"transformers:{tmp_path if directory else tmp_path / 'config.json'}", {"vocab_size": 50})
    assert type(loaded.model).__name__ == "GPT2LMHeadModel"
    assert loaded.model.config.hidden_size == 32
    assert loaded.model.config.vocab_size == 50
    assert {p.dtype for p in loaded.model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        (
            "transformers:google/bert",
            {},
            "looks like an id of the hub, and nothing is downloaded; give the path of its",
        ),
        ("transformers:BertModl", {}, "no model 'BertModl' in transformers; did you mean .*BertModel"),
        ("transformers:BertTokenizer", {}, "no model 'BertTokenizer' in transformers"),
        (
            "transformers:BertModel",
            {"hiden_size": 3},
            "has no 'hiden_size' to set with --arg; did you mean hidden_size",
        ),
        ("transformers:llava", {"text_config.width": 3}, "llava in text_config has no 'width' to set with --arg"),
        ("transformers:BertModel", {"hidden_size": "x"}, "The configuration of transformers:BertModel does not hold"),
        ("transformers:nowhere/config.json", {}, "nowhere/config.json cannot be read: No such file"),
        ("diffusers:UNet2DModl", {}, "no model 'UNet2DModl' in diffusers; did you mean UNet2DModel"),
        ("diffusers:UNet2DModel", {"sample": 3}, "has no 'sample' to set with --arg; did you mean sample_size"),
    ],
)
def test_what_cannot_be_built_is_said(target: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MacAuditError, match=message):
        load(target, arguments)


def test_no_configuration_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for text, message in (("{", "is no JSON"), ("[]", "holds no JSON object"), ("{}", "has the model_type None")):
        path.write_text(text)
        with pytest.raises(MacAuditError, match=message):
            load(f"transformers:{path}")


def test_nothing_is_downloaded_while_a_model_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    seen = []
    original = nn.Linear.__init__

    def recording(self: nn.Linear, *args: Any, **kwargs: Any) -> None:
        seen.append((os.environ["HF_HUB_OFFLINE"], constants.HF_HUB_OFFLINE))
        original(self, *args, **kwargs)

    monkeypatch.setattr(nn.Linear, "__init__", recording)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    load("transformers:BertModel", TINY)
    assert set(seen) == {("1", True)}
    assert "HF_HUB_OFFLINE" not in os.environ
    assert constants.HF_HUB_OFFLINE is False


TRY = """
import sys
from mac_audit.load import load
from mac_audit.targets._configured import hidden_if_broken
try:
    if sys.argv[1] == "needed":
        with hidden_if_broken("torchvision"):
            import torchvision
    print(type(load(sys.argv[1]).model).__name__)
    import torchvision
except Exception as error:
    print(type(error).__name__, error)
"""
BROKEN = (
    "MacAuditError The installed torchvision does not work with torch .*: operator torchvision::nms does not exist;"
    " install the versions that belong together."
)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("torchvision:resnet18", BROKEN),
        ("needed", BROKEN),
        ("transformers:bert", "BertModel\nRuntimeError operator torchvision::nms does not exist"),
        ("diffusers:UNet2DModel", "UNet2DModel\nRuntimeError operator torchvision::nms does not exist"),
    ],
)
def test_a_broken_torchvision_is_named_where_it_is_needed(target: str, said: str, tmp_path: Path) -> None:
    """One whose compiled operators do not go with the installed torch stops at its import, before and after."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", TRY, target], env=environment, capture_output=True, text=True, check=True
    )
    assert re.search(f"^{said}$", done.stdout.strip()), done.stdout


# --- diffusers -----------------------------------------------------------------------------------------------------

BLOCKS = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8}
CROSS = {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "UpBlock2D")}
SMALL = {"num_layers": 1, "num_attention_heads": 2, "attention_head_dim": 16}
DIFFUSERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "UNet2DConditionModel": (
        {
            **BLOCKS,
            **CROSS,
            **{"cross_attention_dim": 24, "sample_size": 16, "addition_embed_type": "text_time"},
            **{"addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 60, "attention_head_dim": 4},
        },
        {
            **{"sample": (1, 4, 16, 16), "timestep": (1,), "encoder_hidden_states": (1, 77, 24)},
            # 60 numbers less six sizes of eight
            "added_cond_kwargs": {"text_embeds": (1, 12), "time_ids": (1, 6)},
        },
    ),
    "DiTTransformer2DModel": (
        {**SMALL, "sample_size": 16, "norm_num_groups": 4, "num_embeds_ada_norm": 10},
        {"hidden_states": (1, 4, 16, 16), "timestep": (1,), "class_labels": (1,)},
    ),
    "FluxTransformer2DModel": (
        {
            **{**SMALL, "num_single_layers": 1, "in_channels": 8, "joint_attention_dim": 12},
            **{"pooled_projection_dim": 6, "guidance_embeds": True, "axes_dims_rope": (4, 6, 6)},
        },
        {
            **{"hidden_states": (1, 1024, 8), "encoder_hidden_states": (1, 77, 12), "pooled_projections": (1, 6)},
            **{"timestep": (1,), "guidance": (1,), "img_ids": (1024, 3), "txt_ids": (77, 3)},
        },
    ),
    # Text is given once a frame, of which there are 16.
    "UNetMotionModel": (
        {
            **{**BLOCKS, "cross_attention_dim": 24, "sample_size": 16},
            **{"down_block_types": ("CrossAttnDownBlockMotion", "DownBlockMotion")},
            **{"up_block_types": ("UpBlockMotion", "CrossAttnUpBlockMotion"), "num_attention_heads": 2},
            **{"motion_num_attention_heads": 2},
        },
        {"sample": (1, 4, 16, 16, 16), "timestep": (1,), "encoder_hidden_states": (16, 77, 24)},
    ),
    "CogView4Transformer2DModel": (
        {**SMALL, "text_embed_dim": 12, "time_embed_dim": 16, "condition_dim": 8, "sample_size": 16},
        {
            **{"hidden_states": (1, 16, 16, 16), "encoder_hidden_states": (1, 77, 12), "timestep": (1,)},
            **{"original_size": (1, 2), "target_size": (1, 2), "crop_coords": (1, 2)},
        },
    ),
    "PriorTransformer": (
        {**SMALL, "embedding_dim": 12, "num_embeddings": 5},
        {
            **{"hidden_states": (1, 12), "proj_embedding": (1, 12), "encoder_hidden_states": (1, 5, 12)},
            "timestep": (1,),
        },
    ),
    # 9 frames become 3 latents by fours; frames come before channels.
    "CogVideoXTransformer3DModel": (
        {
            **{**SMALL, "in_channels": 4, "out_channels": 4, "time_embed_dim": 8, "text_embed_dim": 12},
            **{"sample_width": 8, "sample_height": 6, "sample_frames": 9, "max_text_seq_length": 5},
        },
        {"hidden_states": (1, 3, 4, 6, 8), "encoder_hidden_states": (1, 5, 12), "timestep": (1,)},
    ),
}


@pytest.mark.parametrize("name", DIFFUSERS)
def test_models_of_diffusers_take_what_is_found(name: str) -> None:
    arguments, expected = DIFFUSERS[name]
    target = f"diffusers:{name}"
    loaded = load(target, arguments)
    assert map_tensors(lambda tensor: tuple(tensor.shape), dict(loaded.inputs.kwargs)) == expected
    model = scheme_of(target)[0](name, arguments, target).model.eval()
    with torch.no_grad():
        kwargs = map_tensors(lambda t: torch.rand(t.shape) if t.is_meta else t, dict(loaded.inputs.kwargs))
        assert model(**kwargs)[0].isfinite().all()


# --- saved programs ------------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x)).relu()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block, self.fc = Block(), nn.Linear(8, 4)

    def forward(self, x: torch.Tensor, scale: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.fc(self.block(x).mean((2, 3))) * scale}


def test_an_exported_program_brings_its_inputs_and_layers(tmp_path: Path) -> None:
    model, x, scale = Net().eval(), torch.randn(2, 3, 8, 8), torch.tensor(2.0)
    path = tmp_path / "net.pt2"
    dynamic = {"x": {0: torch.export.Dim("batch")}, "scale": None}
    torch.export.save(torch.export.export(model, (x,), {"scale": scale}, dynamic_shapes=dynamic), path)
    loaded = load(str(path))
    assert loaded.origin == "inputs saved with the program"
    loaded.model.load_state_dict(model.state_dict(), assign=True)
    graph = capture(loaded.model, loaded.inputs)
    assert torch.equal(torch.fx.Interpreter(graph).run(x, scale)["y"], model(x, scale=scale)["y"])
    report = audit(loaded.model, loaded.inputs)
    assert [row.path for row in report.layers] == ["", "block", "block.conv", "block.norm", "fc"]
    assert report.totals.madds == audit(model, {"x": x, "scale": scale}).totals.madds
    assert report.totals.params == sum(p.numel() for p in model.parameters())
    larger = load(str(path), batch=6)
    assert audit(larger.model, larger.inputs).totals.madds == 3 * report.totals.madds


@pytest.mark.parametrize("how", ["scripted", "traced"])
def test_a_torchscript_module(how: str, tmp_path: Path) -> None:
    model, x = Block().eval(), torch.randn(2, 3, 8, 8)
    path = tmp_path / "block.pt"
    (torch.jit.script(model) if how == "scripted" else torch.jit.trace(model, x)).save(path)
    loaded = load(str(path), inputs=["2,3,8,8"])
    graph = capture(loaded.model, loaded.inputs)
    assert torch.equal(torch.fx.Interpreter(graph).run(x), model(x))
    report = audit(loaded.model, loaded.inputs)
    assert report.totals.madds == 2 * 8 * 6 * 6 * 3 * 9
    assert report.totals.params == sum(p.numel() for p in model.parameters())


def test_files_that_hold_no_program(tmp_path: Path) -> None:
    for name, message in (("w.pt", "holds no TorchScript module; weights alone"), ("w.pt2", "is no program that this")):
        torch.save({"a": torch.zeros(3)}, tmp_path / name)
        with pytest.raises(MacAuditError, match=message):
            load(str(tmp_path / name), inputs=["1"])
        with pytest.raises(MacAuditError, match="There is no file"):
            load(str(tmp_path / f"no{name}"), inputs=["1"])
    path = tmp_path / "script.ts"
    torch.jit.script(Block()).save(path)
    with pytest.raises(MacAuditError, match="is a model already, so --arg has nothing to act on"):
        load(str(path), {"width": 3}, ["1,3,8,8"])
    with pytest.raises(MacAuditError, match=r"The inputs of .*script\.ts are not known; give them with --input"):
        load(str(path))


def test_a_scheme_is_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the package's docstring promises to a newcomer."""
    (tmp_path / "shop.py").write_text(
        "from torch import nn\nfrom mac_audit.targets import Built\n"
        "def build(name, arguments, target):\n    return Built(nn.Linear(int(name), 2))\n"
    )
    from mac_audit import targets

    monkeypatch.setattr(targets, "__path__", [*targets.__path__, str(tmp_path)])
    loaded = load("shop:5", inputs=["1,5"])
    assert loaded.model.in_features == 5
    assert loaded.construction == ON_META


@pytest.mark.usefixtures("torchvision")
def test_nested_configuration_of_another_type_takes_the_place_of_the_default() -> None:
    backbone = {"model_type": "resnet", "out_features": ["stage4"], "depths": [1, 1, 1, 1]}
    loaded = load("transformers:detr", {"backbone_config": backbone, "encoder_layers": 1, "decoder_layers": 1})
    assert loaded.model.config.backbone_config.to_dict().items() >= backbone.items()
    names = {type(module).__name__ for module in loaded.model.modules()}
    assert "ResNetBackbone" in names
