"""Arguments of vision models."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument

_SECTIONS = ("vision", "image", "backbone", "vit", "encoder")
_IMAGES = 1  # a sample, for models that take several
_SEVERAL = {"pixel_attention_mask", "image_encoder_embeddings"}  # arguments of such models
_ROWS = 2048  # what transformers' Pix2StructImageProcessor cuts an image to at most
_OBJECTS = 36  # in an image, found by a detector: Tan and Bansal, LXMERT, 2019, section 2.1
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
    """Frames, rows and columns of the patches of an image, and the numbers in a patch, for models of any resolution."""
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
    if "spatial_shapes" in call.parameters:
        rows, columns, numbers = _cut(call)
        return call.floats(batch, rows * columns, numbers)
    size = (channels(call), *resolution(call))
    images = tiles(call)
    if images is not None:
        return call.floats(batch, images, channels(call), *own_resolution(call))
    cut = [call.setting(("max_num_tiles",), _SECTIONS, 1)] if cuts(call) else []
    if cut or not _SEVERAL.isdisjoint(call.parameters):
        return call.floats(batch, _IMAGES, *cut, *size)
    frames = call.setting(("num_frames",), _SECTIONS)
    return call.floats(batch, frames, *size) if isinstance(frames, int) else call.floats(batch, *size)


def _cut(call: Call) -> tuple[int, int, int]:
    """Rows and columns of patches of an image, and the numbers in a patch."""
    side = pair(call.setting(("patch_size",), _SECTIONS), (16, 16))
    height, width = resolution(call)
    return height // side[0], width // side[1], channels(call) * side[0] * side[1]


def tiles(call: Call) -> int | None:
    """Into how many tiles an image is cut, itself among them, for models that cut it by a list of resolutions."""
    resolutions = call.setting(("image_grid_pinpoints",))
    if not resolutions or "image_sizes" not in call.parameters:
        return None
    from transformers.image_processing_utils import select_best_resolution

    side = own_resolution(call)
    height, width = select_best_resolution(resolution(call), resolutions)
    count: int = 1 + math.ceil(height / side[0]) * math.ceil(width / side[1])
    return count


@argument("pixel_attention_mask")
def pixel_mask(call: Call) -> Tensor:
    """Ones: no pixel, and no patch, is padding."""
    if "spatial_shapes" in call.parameters:
        rows, columns, _ = _cut(call)
        return torch.ones(call.sizes.batch(), rows * columns, dtype=torch.int64)
    return torch.ones(call.sizes.batch(), 1, *resolution(call), dtype=torch.bool)


def cuts(call: Call) -> bool:
    """Whether each image comes as tiles, with an argument for the aspect ratio by which it was cut."""
    return "aspect_ratio_ids" in call.parameters


@argument("aspect_ratio_ids")
def aspect_ratios(call: Call) -> Tensor:
    """Ones, (batch, images): the first of the ratios, that of a square; 0 is an image that is not there."""
    return torch.ones(call.sizes.batch(), _IMAGES, dtype=torch.int64)


@argument("aspect_ratio_mask")
def tiles_mask(call: Call) -> Tensor:
    """(batch, images, tiles): a square is one tile, the rest is padding."""
    mask = torch.zeros(call.sizes.batch(), _IMAGES, call.setting(("max_num_tiles",), _SECTIONS, 1), dtype=torch.int64)
    mask[..., 0] = 1
    return mask


@argument("flattened_patches")
def numbered_patches(call: Call) -> Tensor:
    """(batch, patches, 2 + numbers in a patch): row and column, counted from one, then the patch."""
    count = call.sizes.sequence(_ROWS)
    columns = math.isqrt(count)
    place = torch.arange(count)
    numbers = torch.zeros(count, call.setting(("patch_embed_hidden_size",), _SECTIONS, 16 * 16 * channels(call)))
    rows = torch.cat([torch.stack([place // columns, place % columns], dim=1) + 1, numbers], dim=1)
    return rows.to(call.dtype).repeat(call.sizes.batch(), 1, 1)


@argument("visual_feats")
def objects(call: Call) -> Tensor:
    """(batch, objects, features of each)."""
    return call.floats(call.sizes.batch(), _OBJECTS, call.setting(("visual_feat_dim",), (), 2048))


@argument("visual_pos")
def object_boxes(call: Call) -> Tensor:
    """(batch, objects, 4): a box around each."""
    return call.floats(call.sizes.batch(), _OBJECTS, call.setting(("visual_pos_dim",), (), 4))


@argument("spatial_shapes")
def spatial_shapes(call: Call) -> Tensor:
    """Rows and columns of the patches of each image."""
    return torch.tensor([_cut(call)[:2]]).repeat(call.sizes.batch(), 1)


@argument("pixel_values_videos")
def clip(call: Call) -> Tensor:
    """(batch, frames, channels, height, width)."""
    frames = call.setting(("num_frames", "frames_per_clip"), _SECTIONS, 16)
    return call.floats(call.sizes.batch(), frames, channels(call), *resolution(call))


@argument("hidden_states")
def patch_rows(call: Call) -> Tensor | None:
    """The patches of an image for an encoder of any resolution, (patches, numbers in a patch)."""
    return image(call) if patches(call) else None


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
