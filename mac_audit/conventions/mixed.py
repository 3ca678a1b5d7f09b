"""Arguments that tie text and images together, and one that is either."""

from __future__ import annotations

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument
from mac_audit.conventions.choice import Choice
from mac_audit.conventions.text import ids, length
from mac_audit.conventions.vision import channels, cuts, resolution, tiles_mask


@argument("image_attention_mask", "cross_attention_mask")
def images_seen(call: Call) -> Tensor:
    """Which images each token looks at: (batch, sequence, images), and then, for images in tiles, the tiles."""
    seen = tiles_mask(call)[:, None] if cuts(call) else torch.ones(call.sizes.batch(), 1, 1, dtype=torch.int64)
    return seen.repeat(1, length(call), *[1] * (seen.ndim - 2))


@argument("inputs")
def rows(call: Call) -> Choice:
    """Rows of numbers, tokens or an image, for models that take any: (batch, sequence, ``d_model``) where all fit."""
    batch, count = call.sizes.batch(), length(call)
    numbers = call.floats(batch, count, call.setting(("d_model",), (), 1))
    return Choice([numbers, ids(call), call.floats(batch, channels(call), *resolution(call))])
