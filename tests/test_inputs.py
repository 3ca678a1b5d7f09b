"""Inputs that nobody spelled: the model's own forward takes them, and sizes asked for change them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mac_audit.api import audit
from mac_audit.capture import capture
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Inputs, given_inputs
from mac_audit.load import Loaded, load
from mac_audit.nested import map_tensors, plain_containers, tensors_in
from mac_audit.sizes import Sizes, resized
from mac_audit.targets import scheme_of

pytestmark = pytest.mark.usefixtures("torchvision")  # which transformers imports

TEXT = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48, "vocab_size": 99}
LLAMA = {**TEXT, "num_key_value_heads": 1}
VISION = {**TEXT, "image_size": 32, "patch_size": 8}
del VISION["vocab_size"]


def part(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}.{key}": value for key, value in values.items()}


OPT = {"hidden_size": 32, "word_embed_proj_dim": 32, "ffn_dim": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
T5 = {"d_ff": 48, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 99}
SEVERAL_IMAGES = {**part("text_config", LLAMA), **part("vision_config", VISION), "image_token_id": 7}
AUDIO = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}


MODELS: dict[str, tuple[dict[str, Any], dict[str, tuple[int, ...]]]] = {
    "BertModel": (TEXT, {"input_ids": (1, 128)}),
    "LlamaForCausalLM": ({**LLAMA, "max_position_embeddings": 64}, {"input_ids": (1, 64)}),
    "mamba": ({"hidden_size": 32, "num_hidden_layers": 1, "vocab_size": 99}, {"input_ids": (1, 128)}),
    "t5": (
        {"d_model": 32, "d_ff": 48, "d_kv": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 99},
        {"input_ids": (1, 128), "decoder_input_ids": (1, 128)},
    ),
    "layoutlm": (TEXT, {"input_ids": (1, 128), "bbox": (1, 128, 4)}),
    "vit": (VISION, {"pixel_values": (1, 3, 32, 32)}),
    "videomae": ({**VISION, "num_frames": 4}, {"pixel_values": (1, 4, 3, 32, 32)}),
    "clip": (
        {**part("text_config", TEXT), **part("vision_config", VISION)},
        {"input_ids": (1, 77), "pixel_values": (1, 3, 32, 32)},
    ),
    # 32 / 8 squared are 16 patches; the class token is dropped. Then 128 tokens of text.
    "llava": (
        {**part("text_config", LLAMA), **part("vision_config", VISION), "image_token_index": 7},
        {"input_ids": (1, 16 + 128), "pixel_values": (1, 3, 32, 32)},
    ),
    # 256 mel frames of 3 × 2 × 14 × 14 numbers a patch, 224 / 14 squared of them, merged two by two.
    "qwen2_vl": (
        {
            **part("text_config", LLAMA),
            **part("vision_config", {"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32}),
            **{"image_token_id": 7, "video_token_id": 8, "vision_start_token_id": 9, "vision_end_token_id": 10},
            "text_config.rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
        },
        {
            **{"input_ids": (1, 64 + 128), "mm_token_type_ids": (1, 64 + 128)},
            **{"pixel_values": (256, 1176), "image_grid_thw": (1, 3)},
        },
    ),
    "wav2vec2": ({**AUDIO, "num_conv_pos_embedding_groups": 2}, {"input_values": (1, 16000)}),
    # 2 × 10 frames make 10 positions.
    "whisper": (
        {
            **{"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_source_positions": 10, "vocab_size": 99},
            **{
                "encoder_attention_heads": 2,
                "decoder_attention_heads": 2,
                "encoder_ffn_dim": 48,
                "decoder_ffn_dim": 48,
            },
            **{"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1},
        },
        {"input_features": (1, 80, 20), "decoder_input_ids": (1, 128)},
    ),
    "audio-spectrogram-transformer": (
        {**AUDIO, "max_length": 64, "num_mel_bins": 32},
        {"input_values": (1, 64, 32)},
    ),
    # One image a sample, which the perceiver resampler of Idefics 2 makes 64 features of.
    "idefics2": (
        {
            **SEVERAL_IMAGES,
            **part("perceiver_config", {"hidden_size": 32, "resampler_depth": 1, "resampler_n_heads": 2}),
            **part("perceiver_config", {"resampler_head_dim": 16, "num_key_value_heads": 1}),
        },
        {"input_ids": (1, 64 + 128), "pixel_values": (1, 1, 3, 32, 32), "pixel_attention_mask": (1, 1, 32, 32)},
    ),
    # 32 / 8 squared are 16 patches, which are shuffled two by two.
    "idefics3": (
        {**SEVERAL_IMAGES, "scale_factor": 2},
        {"input_ids": (1, 4 + 128), "pixel_values": (1, 1, 3, 32, 32), "pixel_attention_mask": (1, 1, 32, 32)},
    ),
    "idefics": (
        {**TEXT, "use_resampler": False, **part("vision_config", {**VISION, "embed_dim": 32})},
        {"input_ids": (1, 128), "pixel_values": (1, 1, 3, 32, 32), "image_attention_mask": (1, 128, 1)},
    ),
    "mllama": (
        {
            **part("text_config", {**LLAMA, "cross_attention_layers": [0], "pad_token_id": 0}),
            **part("vision_config", {**VISION, "num_global_layers": 1, "max_num_tiles": 4}),
            **part("vision_config", {"intermediate_layers_indices": [0], "vision_output_dim": 64}),
        },
        {
            **{"input_ids": (1, 128), "pixel_values": (1, 1, 4, 3, 32, 32), "cross_attention_mask": (1, 128, 1, 4)},
            **{"aspect_ratio_ids": (1, 1), "aspect_ratio_mask": (1, 1, 4)},
        },
    ),
    # 5 queries make 5 features.
    "instructblip": (
        {
            **part("text_config", {**OPT, "vocab_size": 99, "model_type": "opt"}),
            **part("vision_config", VISION),
            **part("qformer_config", TEXT),
            **{"num_query_tokens": 5, "image_token_index": 7},
        },
        {"pixel_values": (1, 3, 32, 32), "qformer_input_ids": (1, 128), "input_ids": (1, 5 + 128)},
    ),
    "kosmos-2": (
        {
            **part("text_config", {"vocab_size": 99, "embed_dim": 32, "layers": 1, "ffn_dim": 48}),
            **part("vision_config", VISION),
            **{"text_config.attention_heads": 2, "latent_query_num": 6},
        },
        {"pixel_values": (1, 3, 32, 32), "input_ids": (1, 6 + 128), "image_embeds_position_mask": (1, 6 + 128)},
    ),
    "lxmert": (
        {**TEXT, "l_layers": 1, "x_layers": 1, "r_layers": 1, "visual_feat_dim": 20},
        {"input_ids": (1, 128), "visual_feats": (1, 36, 20), "visual_pos": (1, 36, 4)},
    ),
    "perceiver": (
        {"num_latents": 4, "d_latents": 32, "d_model": 24, "num_self_attends_per_block": 1},
        {"inputs": (1, 128, 24)},
    ),
    "PerceiverForMaskedLM": (
        {"num_latents": 4, "d_latents": 32, "d_model": 24, "num_self_attends_per_block": 1, "vocab_size": 99},
        {"inputs": (1, 128)},
    ),
    "PerceiverForImageClassificationLearned": (
        {"num_latents": 4, "d_latents": 32, "num_self_attends_per_block": 1, "image_size": 16},
        {"inputs": (1, 3, 16, 16)},
    ),
    # A row and a column before the numbers of each patch of 8 by 8.
    "Pix2StructForConditionalGeneration": (
        {
            **part("text_config", {**T5, "d_kv": 16, "hidden_size": 32}),
            **part("vision_config", {"hidden_size": 32, "d_ff": 48, "d_kv": 16, "num_hidden_layers": 1}),
            **part("vision_config", {"num_attention_heads": 2, "patch_embed_hidden_size": 3 * 8 * 8}),
        },
        {"flattened_patches": (1, 2048, 2 + 3 * 8 * 8), "decoder_input_ids": (1, 128)},
    ),
    "timesfm": (
        {**AUDIO, "head_dim": 16, "context_length": 64},
        {"past_values": (1, 64), "past_values_padding": (1, 64), "freq": (1, 1)},
    ),
    # One placeholder, which the model itself replaces by features; 2 × 10 frames make 10 positions.
    "qwen2_audio": (
        {
            **part("text_config", LLAMA),
            **part("audio_config", {"d_model": 32, "encoder_layers": 1, "encoder_ffn_dim": 48}),
            **{"audio_config.encoder_attention_heads": 2, "audio_config.max_source_positions": 10},
            "audio_token_index": 7,
        },
        {
            **{"input_ids": (1, 1 + 128), "attention_mask": (1, 1 + 128)},
            **{"input_features": (1, 128, 20), "feature_attention_mask": (1, 20)},
        },
    ),
    # 12 steps of context and the longest of the lags before them.
    "time_series_transformer": (
        {"prediction_length": 4, "context_length": 12, "lags_sequence": [1, 5], "d_model": 16, "num_time_features": 2},
        {"past_values": (1, 17), "past_time_features": (1, 17, 2), "past_observed_mask": (1, 17)},
    ),
}


def found(name: str, **sizes: Any) -> Loaded:
    return load(f"transformers:{name}", MODELS[name][0], **sizes)


def real(name: str) -> nn.Module:
    """The same model with parameters that have values."""
    target = f"transformers:{name}"
    build, known = scheme_of(target)
    return build(known, MODELS[name][0], target).model.eval()


def with_data(inputs: Inputs) -> dict[str, Any]:
    kwargs: dict[str, Any] = map_tensors(
        lambda t: torch.rand(t.shape, dtype=t.dtype) if t.is_meta else t, dict(inputs.kwargs)
    )
    return kwargs


def shapes(inputs: Inputs) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in inputs.kwargs.items() if isinstance(value, Tensor)}


@pytest.mark.parametrize("name", MODELS)
def test_the_models_own_forward_takes_what_is_found(name: str) -> None:
    loaded = found(name)
    assert shapes(loaded.inputs) == MODELS[name][1]
    assert {parameter.device.type for parameter in loaded.model.parameters()} == {"meta"}
    with torch.no_grad():
        result = real(name)(**with_data(loaded.inputs))
    floats = [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]
    assert floats
    assert all(tensor.isfinite().all() for tensor in floats)


@pytest.mark.parametrize(
    "name",
    [
        *("BertModel", "t5", "clip", "llava", "whisper", "videomae", "idefics", "idefics2", "mllama", "instructblip"),
        *("kosmos-2", "lxmert", "perceiver", "timesfm", "Pix2StructForConditionalGeneration"),
    ],
)
def test_a_batch_is_one_for_every_input(name: str) -> None:
    loaded = found(name, batch=3)
    expected = {key: (3, *shape[1:]) for key, shape in MODELS[name][1].items()}
    assert shapes(loaded.inputs) == expected
    with torch.no_grad():
        real(name)(**with_data(loaded.inputs))


def test_tokens_are_ordinary_ones() -> None:
    ids = found("BertModel").inputs.kwargs["input_ids"]
    assert ids.dtype == torch.int64
    assert ids.min() >= 0
    assert ids.max() < 99
    special = {0}  # pad_token_id of BertConfig
    assert not special & set(ids.flatten().tolist())
    image = found("llava").inputs.kwargs["input_ids"]
    assert int((image == 7).sum()) == 16


def test_an_encoder_that_leaves_out_empty_images_needs_no_weights() -> None:
    """Idefics 2 asks which images hold anything but zeros; the oracle is the count of the real model's run."""
    loaded = found("idefics2")
    report = audit(loaded.model, loaded.inputs)
    assert report.capture["method"].startswith("fake tensors")
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counted:
        real("idefics2").requires_grad_(False)(**with_data(loaded.inputs))
    assert 2 * report.totals.madds == counted.get_total_flops()


def test_length_and_resolution() -> None:
    assert shapes(found("BertModel", seq_len=200).inputs) == {"input_ids": (1, 200)}
    assert shapes(found("vit", resolution=(48, 64)).inputs) == {"pixel_values": (1, 3, 48, 64)}
    assert shapes(found("llava", seq_len=5).inputs)["input_ids"] == (1, 16 + 5)


@pytest.mark.parametrize(
    ("name", "sizes", "message"),
    [
        ("vit", {"seq_len": 7}, "--seq-len has nothing to act on: no input of transformers:vit is known to have a seq"),
        ("BertModel", {"resolution": (8, 8)}, "--resolution has nothing to act on"),
        ("BertModel", {"phase": "decode"}, "needs a model that keeps a cache"),
        ("vit", {"phase": "decode"}, "--phase is for language models"),
        ("LlamaForCausalLM", {"phase": "later"}, "no phase 'later'; give prefill or decode"),
    ],
)
def test_what_does_not_apply_is_said(name: str, sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(MacAuditError, match=message):
        found(name, **sizes)


def test_at_changes_the_inputs_of_the_same_model() -> None:
    loaded = found("BertModel")
    other = loaded.at(batch=2, seq_len=9)
    assert other.model is loaded.model
    assert shapes(other.inputs) == {"input_ids": (2, 9)}
    assert shapes(loaded.inputs) == {"input_ids": (1, 128)}


# --- phases --------------------------------------------------------------------------------------------------------


def test_a_step_of_llama_by_hand() -> None:
    """Hidden 32, one of two heads for keys and values, 48 wide inside; one token that looks at 10 and itself."""
    loaded = found("LlamaForCausalLM", seq_len=10, batch=2, phase="decode")
    assert loaded.origin == "inputs from the configuration; decode of one token after 10"
    assert [tuple(t.shape) for t in loaded.inputs.tensors] == [(2, 1), (2, 1, 10, 16), (2, 1, 10, 16)]
    projections = 32 * 32 + 2 * 32 * 16 + 32 * 32
    inside = 3 * 32 * 48
    attention = 2 * 2 * 16 * 11  # two products, two heads of 16, 11 positions
    assert audit(loaded.model, loaded.inputs).totals.madds == 2 * (projections + inside + attention + 32 * 99)


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "t5", "mamba"])
def test_a_step_counts_as_torch_counts_it(name: str) -> None:
    """The step of the real model, with the cache that its own run over a prompt made."""
    prompt, step = found(name, seq_len=12, phase="prefill"), found(name, seq_len=12, phase="decode")
    model = real(name)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        result = model(**with_data(prompt.inputs))
        kwargs = {
            key: getattr(result, key) if hasattr(result, key) else value for key, value in step.inputs.kwargs.items()
        }
        if "encoder_outputs" in kwargs:
            kwargs["encoder_outputs"] = (result.encoder_last_hidden_state,)
        assert [tuple(t.shape) for t in tensors_in(kwargs)] == [tuple(t.shape) for t in step.inputs.tensors]
        with FlopCounterMode(display=False) as counted:
            model(**kwargs)
    assert 2 * audit(step.model, step.inputs).totals.madds == counted.get_total_flops()


def test_prefill_is_the_run_over_the_prompt() -> None:
    plain, prefill = found("LlamaForCausalLM", seq_len=12), found("LlamaForCausalLM", seq_len=12, phase="prefill")
    assert shapes(prefill.inputs) == {"input_ids": (1, 12)}
    assert prefill.inputs.kwargs["use_cache"] is True
    assert audit(plain.model, plain.inputs).totals.madds == audit(prefill.model, prefill.inputs).totals.madds


# --- example inputs ------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Pair:
    image: Tensor
    ids: Tensor
    scale: float = 2.0
    mask: Tensor | None = None


class Holder:
    """An object that is no dataclass, and knows itself."""

    def __init__(self, tensor: Tensor) -> None:
        self.inner = {"tensor": tensor}
        self.itself = self


class Structured(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.conv = nn.Embedding(9, 4), nn.Conv2d(3, 4, 1)

    def forward(self, pair: Pair, extra: dict[str, Any], holder: Holder | None = None) -> Any:
        y = self.conv(pair.image).mean((2, 3)) * pair.scale + self.table(pair.ids).mean(1)
        if pair.mask is not None:
            y = y.masked_fill(pair.mask, 0)
        y = y + extra["more"][0]
        return Pair(y, pair.ids) if holder is None else Holder(y + holder.inner["tensor"])


def structured() -> Inputs:
    pair = Pair(torch.randn(2, 3, 5, 5), torch.tensor([[1, 2], [3, 4]]), mask=torch.tensor([[True] * 4, [False] * 4]))
    return Inputs.of((pair, {"more": (torch.randn(2, 4), None, "name")}, Holder(torch.randn(2, 4))))


def test_structures_of_any_kind_go_in_and_out() -> None:
    model, inputs = Structured().eval(), structured()
    graph = capture(model, inputs)
    names = [node.meta["name"] for node in graph.graph.nodes if node.op == "placeholder"]
    assert names == ["pair.0", "pair.1", "pair.2", "extra", "holder"]
    result = torch.fx.Interpreter(graph).run(*inputs.tensors)
    assert torch.equal(result["inner"]["tensor"], model(*inputs.args).inner["tensor"])
    without = Inputs(inputs.args[:2])
    result = torch.fx.Interpreter(capture(model, without)).run(*without.tensors)
    assert torch.equal(result["image"], model(*without.args).image)
    assert result["scale"] == 2.0


def test_objects_that_refer_to_themselves_end() -> None:
    holder = Holder(torch.zeros(2))
    assert len(list(tensors_in(holder))) == 1
    copied = map_tensors(lambda tensor: tensor + 1, holder)
    assert torch.equal(copied.inner["tensor"], torch.ones(2))
    assert torch.equal(holder.inner["tensor"], torch.zeros(2))
    assert torch.equal(plain_containers(holder)["inner"]["tensor"], torch.zeros(2))


def test_example_inputs_change_size() -> None:
    sizes = Sizes(batch=5, seq_len=3, resolution=(7, 9))
    changed = resized(structured(), sizes)
    pair, extra, holder = changed.args
    assert pair.image.shape == (5, 3, 7, 9)
    assert pair.ids.tolist() == [[1, 2, 1], [3, 4, 3], [1, 2, 1], [3, 4, 3], [1, 2, 1]]
    assert pair.mask.shape == (5, 4)
    assert extra["more"][0].shape == holder.inner["tensor"].shape == (5, 4)
    sizes.check("here")
    unused = Sizes(resolution=(4, 4))
    assert resized(Inputs.of(torch.zeros(2, 3)), unused).tensors[0].shape == (2, 3)
    with pytest.raises(MacAuditError, match="--resolution has nothing to act on: no input of here"):
        unused.check("here")


# --- torchvision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "sizes", "expected"),
    [
        ("resnet18", {}, {"batch": 2}, [(2, 3, 224, 224)]),
        ("lraspp_mobilenet_v3_large", {}, {}, [(1, 3, 520, 520)]),
        ("r3d_18", {}, {}, [(1, 3, 16, 112, 112)]),
        ("mvit_v1_b", {}, {}, [(1, 3, 16, 224, 224)]),
        ("raft_small", {}, {"resolution": (136, 256)}, [(1, 3, 136, 256)] * 2),
        ("ssdlite320_mobilenet_v3_large", {}, {"batch": 2}, [(3, 320, 320)] * 2),
        ("fasterrcnn_mobilenet_v3_large_fpn", {}, {}, [(3, 800, 800)]),
    ],
)
def test_torchvision(name: str, arguments: dict[str, Any], sizes: dict[str, Any], expected: list[Any]) -> None:
    loaded = load(f"torchvision:{name}", arguments, **sizes)
    assert [tuple(tensor.shape) for tensor in loaded.inputs.tensors] == expected
    assert "size" in loaded.origin


@pytest.mark.parametrize("text", ["0,3,64,64", "x=3,0:int64", "1,3," + "9" * 30, ",".join(["65536"] * 4)])
def test_an_input_of_nothing_or_of_too_much_is_told(text: str) -> None:
    with pytest.raises(MacAuditError, match="give each dimension at least 1"):
        given_inputs([text])


def test_sizes_that_no_memory_holds_are_told() -> None:
    with pytest.raises(MacAuditError, match="more than any memory holds"):
        resized(Inputs.of(torch.empty(1, 2**20, 8, 8, device="meta")), Sizes(2**31 - 1, resolution=(2**20, 2**20)))
