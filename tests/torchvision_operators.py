"""torchvision, also where its compiled operators cannot load beside a CPU build of torch.

There ``import torchvision`` stops at the missing schema of ``torchvision::nms``. With the schemas declared here, and
plain Python in the place of the kernels that detection needs, every model of torchvision runs. Only tests do this; the
tool itself says what is wrong with an installation.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch
from torch import Tensor

SCHEMAS = (  # from torchvision/csrc/ops/*.cpp
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width,"
    " int sampling_ratio, bool aligned) -> Tensor",
)


def import_torchvision() -> ModuleType:
    """The package as it is installed, or with the missing operators replaced."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    module = importlib.import_module("torchvision")
    boxes, pooling = sys.modules["torchvision.ops.boxes"], sys.modules["torchvision.ops.roi_align"]

    def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
        """Indices of the boxes kept, best first: each drops the worse ones that overlap it by more than asked."""
        order = scores.argsort(descending=True)
        overlaps = boxes.box_iou(dets[order], dets[order]) > iou_threshold
        dropped = torch.zeros(len(order), dtype=torch.bool)
        for i in range(len(order)):
            if not dropped[i]:
                dropped[i + 1 :] |= overlaps[i, i + 1 :]
        return order[~dropped]

    def roi_align_shape(
        input: Tensor, rois: Tensor, scale: float, height: int, width: int, ratio: int, aligned: bool
    ) -> Tensor:
        return input.new_empty(rois.shape[0], input.shape[1], height, width)

    library.impl("nms", nms, "CPU")
    library.impl("roi_align", pooling._roi_align, "CPU")  # torchvision's own, written for torch.compile
    library.impl("roi_align", roi_align_shape, "Meta")
    for place in (sys.modules["torchvision.extension"], pooling):
        place._has_ops = lambda: True  # type: ignore[attr-defined]
    module._keep_alive = library  # type: ignore[attr-defined]
    return module
