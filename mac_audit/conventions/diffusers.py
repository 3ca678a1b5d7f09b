"""Models of diffusers: the noisy sample, the time step, and whatever the configuration conditions them on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.conventions.call import Call
from mac_audit.conventions.choice import Choice, chosen
from mac_audit.conventions.series import documented
from mac_audit.conventions.vision import pair
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import Sizes

_LATENT = (64, 64)  # of Stable Diffusion's 512×512 images, where the configuration names no size
_FRAMES = 16
_STEP = 500  # of a thousand
# How configurations call the width of the text's features; the first that is set is what forward takes.
_WIDTHS = ("encoder_hid_dim", "caption_channels", "joint_attention_dim", "text_embed_dim", "text_dim", "cap_feat_dim")
_LAST_WIDTHS = ("cross_attention_input_dim", "cross_attention_dim")


def inputs(model: nn.Module, sizes: Sizes) -> Found | None:
    """What ``forward`` requires, and what the configuration asks for among the rest."""
    config = getattr(model, "config", None)
    if config is None or not hasattr(model, "config_name") or not hasattr(config, "get"):
        return None
    call = Call(model, config, sizes)
    values: dict[str, Any] = {}
    for name, parameter in call.parameters.items():
        value = _ARGUMENTS[name](call) if name in _ARGUMENTS else None
        if value is None and parameter.default is parameter.empty:
            value = documented(call, name)
        if value is None and parameter.default is parameter.empty:
            raise MacAuditError(
                f"The forward of {type(model).__name__} needs {name}, for which there is no convention;"
                f" give every input with --input, as in --input {name}=SHAPE:DTYPE."
            )
        if value is not None:
            values[name] = value
    return Found(Inputs(kwargs=chosen(call, values)), "inputs from the configuration")


def _resolution(call: Call) -> tuple[int, int]:
    sides = call.setting(("sample_height",)), call.setting(("sample_width",))
    return call.sizes.resolution(sides if all(sides) else pair(call.setting(("sample_size",)), _LATENT))


def _frames(call: Call) -> int:
    frames = call.setting(("sample_frames",))
    return _FRAMES if frames is None else (frames - 1) // call.setting(("temporal_compression_ratio",), default=1) + 1


def _packed(call: Call) -> bool:
    """Whether the sample comes as rows of tokens, which say where they lie in arguments of their own."""
    return not {"img_ids", "img_shapes", "video_coords"}.isdisjoint(call.parameters)


def _grid(call: Call) -> tuple[int, int]:
    """Rows and columns of tokens, each of two by two latents."""
    height, width = _resolution(call)
    return height // 2, width // 2


def _sample(call: Call) -> Any:
    """As tokens, a row of numbers, an image, a clip with the channels or the frames first, or a sound."""
    told = documented(call, "hidden_states") if len(call.documented("hidden_states") or ()) == 2 else None
    if told is not None:
        return told
    batch, channels = call.sizes.batch(), call.setting(("in_channels",), default=4)
    rows, columns = _grid(call)
    if _packed(call):
        return call.floats(batch, rows * columns, channels)
    side, frames = _resolution(call), _frames(call)
    clips = [(batch, channels, frames, *side), (batch, frames, channels, *side)]
    shapes = [(batch, channels, *side), *clips, (batch, channels, side[0]), clips[0]]
    return Choice(call.floats(*shape) for shape in shapes)


def _text_length(call: Call) -> int:
    return call.sizes.sequence(call.setting(("max_text_seq_length", "text_len"), default=77))  # 77: CLIP's


def _text(call: Call) -> Any:
    """Once a sample; with the last of the layouts of ``_sample``, which work frame by frame, once a frame."""
    width = call.setting((*_WIDTHS, *_LAST_WIDTHS))
    if width is None:
        return documented(call, "encoder_hidden_states")
    width = width[0] if isinstance(width, list | tuple) else width
    batch, frames = call.sizes.batch(), _frames(call)
    texts = [call.floats(batch * times, _text_length(call), width) for times in (1, 1, 1, 1, frames)]
    return Choice(texts) if isinstance(_sample(call), Choice) else texts[0]


def _text_mask(call: Call) -> Tensor:
    return torch.ones(call.sizes.batch(), _text_length(call), dtype=torch.int64)


def _step(call: Call) -> Tensor:
    return torch.full((call.sizes.batch(),), _STEP)


def _pooled(call: Call) -> Tensor | None:
    width = call.setting(("pooled_projection_dim",))
    return None if width is None else call.floats(call.sizes.batch(), width)


def _classes(call: Call) -> Tensor | None:
    asked = call.setting(("num_class_embeds", "class_embed_type"))
    if asked is None and call.setting(("norm_type",)) != "ada_norm_zero":
        return None
    if call.setting(("class_embed_type",)) == "projection":
        return call.floats(call.sizes.batch(), call.setting(("projection_class_embeddings_input_dim",)))
    return torch.ones(call.sizes.batch(), dtype=torch.int64)


def _conditions(call: Call) -> dict[str, Any] | None:
    """Stable Diffusion XL's pooled text and sizes; nothing for a model whose additional conditions are off."""
    if call.setting(("addition_embed_type",)) == "text_time":
        times, width = 6, call.setting(("addition_time_embed_dim",))
        text = call.setting(("projection_class_embeddings_input_dim",)) - times * width
        batch = call.sizes.batch()
        return {"text_embeds": call.floats(batch, text), "time_ids": call.floats(batch, times)}
    if getattr(call.model, "use_additional_conditions", False):
        return {"resolution": call.floats(call.sizes.batch(), 2), "aspect_ratio": call.floats(call.sizes.batch(), 1)}
    return {"resolution": None, "aspect_ratio": None} if call.setting(("caption_channels",)) else None


def _global(call: Call) -> Tensor | None:
    width = call.setting(("global_states_input_dim",))
    return None if width is None else call.floats(call.sizes.batch(), 1, width)


def _guidance(call: Call) -> Tensor | None:
    return call.floats(call.sizes.batch()) if call.setting(("guidance_embeds",)) else None


def _places(call: Call) -> Tensor:
    rows, columns = _grid(call)
    grid = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    return torch.cat([torch.zeros(rows * columns, 1, dtype=grid.dtype), grid], dim=1).to(torch.float32)


def _hint(call: Call) -> Tensor:
    """An image of eight times the latents' side."""
    height, width = _resolution(call)
    return call.floats(call.sizes.batch(), call.setting(("conditioning_channels",), default=3), 8 * height, 8 * width)


_ARGUMENTS: dict[str, Callable[[Call], Any]] = {
    "sample": _sample,
    "hidden_states": _sample,
    "timestep": _step,
    "encoder_hidden_states": _text,
    "encoder_hidden_states_mask": _text_mask,
    "encoder_attention_mask": lambda call: _text_mask(call) if _is_required(call, "encoder_attention_mask") else None,
    "pooled_projections": _pooled,
    "class_labels": _classes,
    "added_cond_kwargs": _conditions,
    "global_hidden_states": _global,
    "guidance": _guidance,
    "img_ids": _places,
    **dict.fromkeys(("original_size", "target_size", "crop_coords"), lambda call: call.floats(call.sizes.batch(), 2)),
    "txt_ids": lambda call: torch.zeros(_text_length(call), 3),
    "img_shapes": lambda call: [[(1, *_grid(call))]] * call.sizes.batch(),
    "controlnet_cond": _hint,
    "num_frames": lambda call: 1 if _packed(call) else None,
    "height": lambda call: _grid(call)[0] if _packed(call) else None,
    "width": lambda call: _grid(call)[1] if _packed(call) else None,
}


def _is_required(call: Call, name: str) -> bool:
    return call.parameters[name].default is call.parameters[name].empty
