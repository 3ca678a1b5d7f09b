"""What inputs a model takes, where nobody spelled them: by rule, from what the model says of itself.

A convention is a function in a file of this package: it looks at a model and answers with inputs of the sizes asked
for, or with None where it has nothing to say. None asks for the name of a model.
"""

from __future__ import annotations

from torch import nn

from mac_audit.conventions import diffusers, image, transformers
from mac_audit.inputs import Found
from mac_audit.sizes import Sizes

_CONVENTIONS = (transformers.inputs, diffusers.inputs, image.inputs)


def find_inputs(model: nn.Module, sizes: Sizes) -> Found | None:
    """Inputs by the first convention that ``model`` follows; None where it follows none."""
    return next((found for convention in _CONVENTIONS if (found := convention(model, sizes)) is not None), None)
