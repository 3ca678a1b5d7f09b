"""Arguments of vision models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument

_SECTIONS = ("vision", "image", "backbone", "vit", "encoder")
_SIDE = (224, 224)  # where the configuration names no size: the size of ImageNet crops


def resolution(call: Call) -> tuple[int, int]:
    """Height and width: what was asked for, else the configuration's, else 224."""
    return call.sizes.resolution(own_resolution(call))


def own_resolution(call: Call) -> tuple[int, int]:
    """Height and width by the configuration."""
    return pair(call.setting(("image_size", "img_size", "input_size", "crop_size"), _SECTIONS), _SIDE)


def pair(value: Any, default: tuple[int, int]) -> tuple[int, int]:
    """A side, or height and width in whatever form, as height and width."""
    if isinstance(value, dict):
        value = [value.get("height"), value.get("width")]
    if isinstance(value, list | tuple) and len(value) >= 2 and all(isinstance(side, int) for side in value[-2:]):
        return value[-2], value[-1]
    return (value, value) if isinstance(value, int) and value > 0 else default


def channels(call: Call) -> int:
    """Channels of an image."""
    found = call.setting(("num_channels", "in_channels", "in_chans", "num_input_channels"), _SECTIONS, 3)
    return found if isinstance(found, int) else 3


def patches(call: Call) -> tuple[int, int, int, int] | None:
    """Frames, rows and columns of the patches of one image, and the numbers in a patch, for models of any resolution."""
    names = call.parameters
    if "image_grid_thw" not in names and "grid_thw" not in names:
        return None
    side = pair(call.setting(("patch_size",), _SECTIONS), (14, 14))
    merge = merge_size(call)
    height, width = resolution(call)
    rows, columns = (max(merge, n // s // merge * merge) for n, s in zip((height, width), side, strict=True))
    frames = call.setting(("temporal_patch_size",), _SECTIONS, 1)
    return 1, rows, columns, channels(call) * frames * side[0] * side[1]


def merge_size(call: Call) -> int:
    """How many patches along a side make one token."""
    found = call.setting(("spatial_merge_size", "merge_size"), _SECTIONS, 1)
    return found if isinstance(found, int) else 1


@argument("pixel_values")
def image(call: Call) -> Tensor:
    """(batch, channels, height, width); with the frames before the channels where the model takes clips.

    Where the model takes images of any resolution, (patches, numbers in a patch).
    """
    grid = patches(call)
    batch = call.sizes.batch()
    if grid is not None:
        return call.floats(batch * grid[0] * grid[1] * grid[2], grid[3])
    frames = call.setting(("num_frames",), _SECTIONS)
    size = (channels(call), *resolution(call))
    return call.floats(batch, frames, *size) if isinstance(frames, int) else call.floats(batch, *size)


@argument("pixel_values_videos")
def clip(call: Call) -> Tensor:
    """(batch, frames, channels, height, width)."""
    frames = call.setting(("num_frames", "frames_per_clip"), _SECTIONS, 16)
    return call.floats(call.sizes.batch(), frames, channels(call), *resolution(call))


@argument("image_grid_thw", "grid_thw")
def grid(call: Call) -> Tensor:
    """Frames, rows and columns of the patches of each image."""
    found = patches(call)
    assert found is not None
    return torch.tensor([found[:3]]).repeat(call.sizes.batch(), 1)


@argument("image_sizes")
def sides(call: Call) -> Tensor:
    """Height and width of each image."""
    return torch.tensor([resolution(call)]).repeat(call.sizes.batch(), 1)
