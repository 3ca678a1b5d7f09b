"""Interpolation and sampling between positions: a product and a sum for each neighbour that weighs in."""

from __future__ import annotations

from math import ceil, prod

from mac_audit.cost import Work, formula
from mac_audit.network import Tensor

_NEAREST = (f"aten.{name}{n}d" for name in ("upsample_nearest", "_upsample_nearest_exact") for n in (1, 2, 3))


@formula(*_NEAREST)
def nearest(ins: tuple[Tensor, ...], out: Tensor) -> Work:
    """Copies the nearest element; made smaller, it reads only those."""
    return Work("data-movement", reads=dict.fromkeys(("self", "input"), min(ins[0].elements, out.numel)))


def _interpolated(neighbours: int, *names: str) -> None:
    @formula(*names)
    def interpolation(out: Tensor) -> Work:
        return Work("data-movement", other_ops=2 * neighbours * out.numel)


_interpolated(2, "aten.upsample_linear1d")
_interpolated(4, "aten.upsample_bilinear2d")
_interpolated(8, "aten.upsample_trilinear3d")
_interpolated(16, "aten.upsample_bicubic2d")


def _antialiased(radius: int, name: str) -> None:
    """A filter of ``radius`` input elements to each side, wider by the ratio where the image gets smaller."""

    @formula(name)
    def interpolation(ins: tuple[Tensor, ...], out: Tensor) -> Work:
        """Along rows first, then along columns."""
        *_, high, wide = ins[0].shape
        *planes, new_high, new_wide = out.shape
        taps = [ceil(2 * radius * max(1.0, old / new)) for old, new in ((wide, new_wide), (high, new_high))]
        return Work("data-movement", other_ops=2 * prod(planes) * new_wide * (high * taps[0] + new_high * taps[1]))


_antialiased(1, "aten._upsample_bilinear2d_aa")
_antialiased(2, "aten._upsample_bicubic2d_aa")
_antialiased(3, "aten._upsample_lanczos2d_aa")


def _sampled(image: Tensor, out: Tensor, neighbours: int, name: str) -> Work:
    """Reads no more of the image than its neighbours; one alone is copied and not weighed."""
    weighed = neighbours if neighbours > 1 else 0
    touched = min(image.elements, neighbours * out.numel)
    return Work("data-movement", other_ops=2 * weighed * out.numel, reads={name: touched})


@formula("aten.grid_sampler_2d", "aten._grid_sampler_2d_cpu_fallback")
def grid_sample(input: Tensor, out: Tensor, interpolation_mode: int) -> Work:
    """Bilinear, nearest or bicubic (0, 1, 2): four, one or sixteen neighbours."""
    return _sampled(input, out, {0: 4, 1: 1, 2: 16}[interpolation_mode], "input")


@formula("aten.grid_sampler_3d")
def grid_sample_3d(input: Tensor, out: Tensor, interpolation_mode: int) -> Work:
    """Trilinear or nearest (0, 1): eight neighbours or one."""
    return _sampled(input, out, {0: 8, 1: 1}[interpolation_mode], "input")


@formula("aten.cudnn_grid_sampler")
def cudnn_grid_sample(self: Tensor, out: Tensor) -> Work:
    """Bilinear."""
    return _sampled(self, out, 4, "self")


@formula("aten.affine_grid_generator", "aten.cudnn_affine_grid_generator")
def affine_grid(theta: Tensor, out: Tensor) -> Work:
    """Each position, with a one after its coordinates, times (n, n + 1) of ``theta``."""
    return Work("matmul", madds=out.numel * theta.shape[-1])
