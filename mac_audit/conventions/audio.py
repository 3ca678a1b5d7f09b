"""Arguments of speech and audio models."""

from __future__ import annotations

import torch
from torch import Tensor

from mac_audit.conventions.call import Call, argument
from mac_audit.conventions.choice import Choice

_SECTIONS = ("audio", "speech", "encoder")
_SECOND = 16000  # samples: the rate that speech models are trained at
_FRAMES = 1000  # of spectrograms: ten seconds


def bins(call: Call) -> int | None:
    """Numbers in a frame of a spectrogram."""
    names = ("num_mel_bins", "n_mels", "feature_size", "input_feat_per_channel", "feature_projection_input_dim")
    found = call.setting((*names, "input_dim", "num_mel_channels"), _SECTIONS)
    return found if isinstance(found, int) else None


@argument("input_values")
def samples(call: Call) -> Tensor:
    """One second of sound, (batch, samples), with the channels before the samples where the model takes several."""
    count, batch = call.sizes.sequence(_SECOND), call.sizes.batch()
    words = call.documented("input_values") or ()
    if len(words) == 3 and words[-1] == "num_mel_bins":
        return call.floats(batch, call.setting((words[1],), _SECTIONS, _FRAMES), bins(call) or 80)
    if len(words) == 3:
        return call.floats(batch, call.setting(("audio_channels",), _SECTIONS, 1), count)
    return call.floats(batch, count)


@argument("input_features")
def spectrograms(call: Call) -> Choice:
    """Frames of a spectrogram: (batch, frames, bins), (batch, bins, frames) or (batch, 1, frames, bins).

    Where positions are learned, as many frames as they are for: two a position, as in Whisper.
    """
    batch, high = call.sizes.batch(), bins(call) or 80
    positions = call.setting(("max_source_positions",), _SECTIONS)
    frames = call.sizes.sequence(_FRAMES)
    fixed = frames if call.sizes.given["seq_len"] or not isinstance(positions, int) else 2 * positions
    shapes = [(batch, frames, high), (batch, high, fixed), (batch, 1, frames, high)]
    return Choice(call.floats(*shape) for shape in shapes)


@argument("input_features_mask", "feature_attention_mask")
def frames_mask(call: Call) -> Choice:
    """Ones, (batch, frames): no frame is padding."""
    batch = call.sizes.batch()
    long = [max(features.shape[1:], key=lambda size: size != bins(call)) for features in spectrograms(call)]
    return Choice(torch.ones(batch, frames, dtype=torch.int64) for frames in long)
