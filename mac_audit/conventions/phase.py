"""The two phases of a language model at work: over its prompt, then token by token with a cache of what was before."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mac_audit.conventions.dry import shapes
from mac_audit.errors import MacAuditError
from mac_audit.inputs import Found, Inputs
from mac_audit.nested import map_tensors, tensors_in

PHASES = ("prefill", "decode")
_TOKENS = ("decoder_input_ids", "input_ids")
_NO_CACHE = ("hidden_states", "hidden_state", "attentions", "embeds")  # results that some models take as well


def in_phase(phase: str, model: nn.Module, found: Found, target: str) -> Found:
    """The inputs of a phase of ``model``, from ``found``: those of a run over the prompt.

    Prefill is that run, with the cache returned. Decode is a run on one token more, with the cache that the run over
    the prompt leaves: whatever ``forward`` both returns and takes, and the encoder's result where there is an encoder.
    Raises ``MacAuditError`` where there is none.
    """
    if phase not in PHASES:
        raise MacAuditError(f"There is no phase {phase!r}; give prefill or decode.")
    parameters = inspect.signature(model.forward).parameters
    tokens = next((name for name in _TOKENS if name in found.inputs.kwargs), None)
    if tokens is None:
        raise MacAuditError(f"--phase is for language models, and no input of {target} is known to be tokens.")
    keep = {"use_cache": True} if "use_cache" in parameters else {}
    prompt = Inputs(found.inputs.args, {**found.inputs.kwargs, **keep})
    result = _result(model, prompt, target)
    cache = {name: value for name, value in result.items() if name in parameters and _is_cache(name, value)}
    if not cache:
        raise MacAuditError(
            f"--phase {phase} needs a model that keeps a cache, and the forward of {target} returns none that it takes;"
            " leave --phase out, or name a decoder."
        )
    length = prompt.kwargs[tokens].shape[1]
    if phase == "prefill":
        return Found(prompt, f"{found.origin}; prefill of {length} tokens")
    if "encoder_outputs" in parameters and "encoder_last_hidden_state" in result:
        cache["encoder_outputs"] = (result["encoder_last_hidden_state"],)
    cache = map_tensors(lambda tensor: _counted(tensor, length), cache)
    step = {tokens: prompt.kwargs[tokens][:, -1:], **cache, **keep}
    return Found(Inputs(kwargs=step), f"{found.origin}; decode of one token after {length}")


def _result(model: nn.Module, prompt: Inputs, target: str) -> Mapping[str, Any]:
    try:
        result = shapes(model, lambda double, given: double(*given[0], **given[1]), (prompt.args, dict(prompt.kwargs)))
    except Exception as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise MacAuditError(
            f"The cache of {target} is not known, since its run over the prompt raised {type(error).__name__}: {text};"
            " leave --phase out, or give a cache in example_inputs."
        ) from error
    return result if isinstance(result, Mapping) else {}


def _counted(tensor: Tensor, length: int) -> Tensor:
    """A whole number in a cache counts what the cache has seen: it gets that value, since it decides on shapes."""
    is_number = tensor.ndim == 0 and not tensor.is_floating_point() and tensor.dtype != torch.bool
    return torch.tensor(length, dtype=tensor.dtype) if is_number else tensor


def _is_cache(name: str, value: Any) -> bool:
    return not name.endswith(_NO_CACHE) and next(tensors_in(value), None) is not None
