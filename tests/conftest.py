"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, also where its compiled operators cannot load beside a CPU build of torch.

    There ``import torchvision`` stops at the missing schema of ``torchvision::nms``; with the schemas declared
    everything but detection's post-processing works.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    module = importlib.import_module("torchvision")
    module._keep_alive = library  # type: ignore[attr-defined]
    return module
