"""Models of transformers: inputs from the signature of ``forward`` and the configuration."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from mac_audit.conventions import audio, mixed, series, text, vision  # noqa: F401  (they register their arguments)
from mac_audit.conventions.call import ARGUMENTS, Call
from mac_audit.conventions.choice import chosen
from mac_audit.conventions.multimodal import with_placeholders
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs
from mac_audit.sizes import Sizes


def inputs(model: nn.Module, sizes: Sizes) -> Found | None:
    """The main input, what ``forward`` requires, and what goes with them; masks and the like only if required.

    A mask of ones changes nothing, and transformers drops it where it sees its values, so none is given.
    """
    config = getattr(model, "config", None)
    if not hasattr(config, "to_dict") or not hasattr(model, "main_input_name"):
        return None
    call = Call(model, config, sizes)
    values = {name: _value(call, name) for name in _names(call)}
    return Found(Inputs(kwargs=chosen(call, values, with_placeholders)), "inputs from the configuration")


def _names(call: Call) -> list[str]:
    parameters = call.parameters
    main: Any = call.model.main_input_name
    names = [name for name in ([main] if isinstance(main, str) else main) if name in parameters]
    names += [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if not names:
        names += [name for name in parameters if name in ARGUMENTS][:1]
    if "pixel_values" in names:
        names.append("input_ids")
    if "input_ids" in names:
        sections = {"pixel_values": ("vision", "image", "vit", "backbone"), "input_features": ("audio", "speech")}
        names += [name for name, kinds in sections.items() if name in parameters and _has_section(call.config, kinds)][
            :1
        ]
    if "pixel_values" in names:
        names += ["image_grid_thw", "pixel_attention_mask", "spatial_shapes"]
        names += ["image_attention_mask"] if "image_encoder_embeddings" in parameters else []
        names += ["aspect_ratio_ids", "aspect_ratio_mask", "cross_attention_mask"] if vision.cuts(call) else []
        if vision.tiles(call) is not None or "image_sizes" in _required(call, "get_image_features"):
            names.append("image_sizes")
    if "input_features" in names:
        names += ["input_features_mask", "feature_attention_mask"]
    if getattr(call.config, "is_encoder_decoder", False):
        names.append("decoder_input_ids")
    names += ["bbox", "visual_feats", "visual_pos"]
    return [name for name in dict.fromkeys(names) if name in parameters]


def _required(call: Call, method: str) -> set[str]:
    found = getattr(call.model, method, None)
    parameters = inspect.signature(found).parameters.values() if callable(found) else ()
    return {p.name for p in parameters if p.default is p.empty}


def _has_section(config: Any, kinds: tuple[str, ...]) -> bool:
    """Whether a configuration of one of these kinds is inside, or the whole is also one of images."""
    inner = [key for key, value in vars(config).items() if hasattr(value, "to_dict")]
    return any(kind in key for key in inner for kind in kinds) or ("image" in kinds and hasattr(config, "image_size"))


def _value(call: Call, name: str) -> Any:
    convention = ARGUMENTS.get(name)
    value = convention(call) if convention else series.documented(call, name)
    if value is None:
        raise MacAuditError(
            f"The forward of {type(call.model).__name__} needs {name}, for which there is no convention;"
            f" give every input with --input, as in --input {name}=SHAPE:DTYPE."
        )
    return value
