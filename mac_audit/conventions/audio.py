"""Arguments of speech and audio models."""

from __future__ import annotations

from torch import Tensor

from mac_audit.conventions.call import Call, argument

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
def spectrogram(call: Call) -> Tensor:
    """Frames of a spectrogram, (batch, frames, bins)."""
    frames, batch = call.sizes.sequence(_FRAMES), call.sizes.batch()
    return call.floats(batch, frames, bins(call) or 80)
