"""From a request to the network that it names: the model is loaded, captured and lowered."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from contextlib import chdir
from typing import Any

import torch

from mac_audit.capture import record
from mac_audit.load import Loaded, load
from mac_audit.lower import lower
from mac_audit.network import Network
from mac_audit.request import Request


def load_request(request: Request) -> Loaded:
    """The model that ``request`` names, with the inputs that it asks for."""
    return load(request.target, request.arguments, request.inputs, **_sizes(request))


def trace(request: Request) -> Network:
    """Load the model that ``request`` names and capture it."""
    return traces(request)(request)


def traces(request: Request) -> Callable[[Request], Network]:
    """Load the model that ``request`` names once, to capture it for requests that differ in the sizes of inputs.

    Numbers that its file draws are the same in every audit, so that a ``forward`` that looks at them goes the same way.
    """
    random.seed(0)
    torch.manual_seed(0)
    if (numpy := sys.modules.get("numpy")) is not None:  # which torch imports where it is installed
        numpy.random.seed(0)
    with chdir(os.curdir):  # code that changes the directory does not decide where reports go
        loaded = load_request(request)
        there = os.getcwd()

    def traced(wanted: Request) -> Network:
        with chdir(there):
            at = loaded if _sizes(wanted) == _sizes(request) else loaded.at(**_sizes(wanted))
            return lower(record(at.model, at.inputs, wanted.capture), at.construction, at.origin)

    return traced


def _sizes(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("batch", "seq_len", "resolution", "phase")}
