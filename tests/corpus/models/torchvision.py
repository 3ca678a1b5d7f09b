"""Every model of torchvision, as its builders make it, at the size that its weights are published for."""

from __future__ import annotations

from typing import Any

from mac_audit.request import Request
from tests.corpus.row import Row
from tests.torchvision_operators import import_torchvision

# Detection at a third of its size: it runs on real tensors.
SMALL = {"min_size": 320}
# How many boxes reach the second stage follows from the weights' values; here always 50, of which 20 are detections.
FIXED = {
    "rpn_nms_thresh": 1.0,
    "rpn_post_nms_top_n_test": 50,
    "box_score_thresh": -1.0,
    "box_nms_thresh": 1.0,
    "box_detections_per_img": 20,
}
PLAIN = {"init_weights": False}  # minutes of truncated normals
ARGUMENTS: dict[str, dict[str, Any]] = {
    "fasterrcnn_mobilenet_v3_large_320_fpn": FIXED,
    "fasterrcnn_mobilenet_v3_large_fpn": {**SMALL, **FIXED},
    "fasterrcnn_resnet50_fpn": {**SMALL, **FIXED},
    "fasterrcnn_resnet50_fpn_v2": {**SMALL, **FIXED},
    "fcos_resnet50_fpn": SMALL,
    "googlenet": PLAIN,
    "inception_v3": PLAIN,
    "keypointrcnn_resnet50_fpn": {**SMALL, **FIXED},
    "maskrcnn_resnet50_fpn": {**SMALL, **FIXED},
    "maskrcnn_resnet50_fpn_v2": {**SMALL, **FIXED},
    "quantized_googlenet": PLAIN,
    "quantized_inception_v3": PLAIN,
    "retinanet_resnet50_fpn": SMALL,
    "retinanet_resnet50_fpn_v2": SMALL,
}


def rows() -> list[Row]:
    """All that ``list_models`` names, and quantised forms of those that can be quantised."""
    found = []
    for name in import_torchvision().models.list_models():
        request = Request(f"torchvision:{name}", ARGUMENTS.get(name, {}))
        found.append(Row(request))
        if name.startswith("quantized_"):
            found.append(
                Row(Request(request.target, {**request.arguments, "quantize": True}), label="quantised", twin=request)
            )
    return found
