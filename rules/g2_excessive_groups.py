"""G2: excessive group convolution increases memory access cost."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from mac_audit.profile import Contraction, Costed, Profile, reshaped
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, fewest, rule


@rule("G2", "excessive-groups")
def excessive_groups(profile: Profile, *, limit: float = 0.025, negligible: float = 0.001) -> Outcome:
    """Excessive group convolution increases memory access cost.

    ## What it does

    Looks at every convolution with more than one group and fewer groups than input channels, and adds up the memory
    access that ungrouped layers would save at the same multiply-adds. The measure is that sum as a share of the
    model's memory access. Depthwise convolution is left to G4, as in the paper; batched matrix products are not judged.

    ## Why

    MAC = hw(c1 + c2) + c1·c2·∏k/g. Groups save multiply-adds, and what is saved is usually spent on more channels:
    that widens hw(c1 + c2), which is what memory sees. Without groups the same multiply-adds allow both widths
    divided by √g, the network of the first row of the paper's Table 2, and save hw(c1 + c2)(1 − 1/√g). There, 8
    groups are more than twice as slow as none on a GPU at the same FLOPs.

    ## Instead

    Use fewer groups and narrower layers: c/√g channels without groups cost the same multiply-adds.

    ## Options

    * `limit`: the share of avoidable memory access that is tolerated. 0.025 is this project's choice, the paper
      prints none: it lies between networks without groups (0) and those that the paper criticises (ShuffleNetV1 with
      3 groups, above 0.08).
    * `negligible`: layers that would save less than this share of the model's memory access are not listed, and where
      there are none but these the model passes. 0.001 is this project's choice.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018 (https://arxiv.org/abs/1807.11164), section 3,
    guideline G2, equation 2 and Table 2.
    """
    layers = [
        (costed, costed.contraction)
        for costed in profile.working
        if costed.kind == "grouped-conv" and costed.contraction is not None
    ]
    if not layers:
        return NotApplicable("no grouped convolution; depthwise ones are left to G4")
    access = profile.total.mac_elements
    value = sum(_avoidable(shape) for _, shape in layers) / access
    worth = negligible * profile.total.mac_elements
    worst = fewest(layers, lambda layer: _avoidable(layer[1]), access, limit, worth)
    return Measure(
        value=value,
        limit=limit,
        measure="avoidable MAC of grouped convolutions ÷ the model's MAC",
        violations=tuple(_violation(profile, costed, shape) for costed, shape in worst),
        negligible=value > limit and not worst,
    )


def _avoidable(shape: Contraction) -> float:
    """Elements that ungrouped layers of both widths divided by √g save at the same multiply-adds."""
    activations = shape.positions_in * shape.c_in + shape.positions_out * shape.c_out
    return activations * (1 - 1 / sqrt(shape.groups))


def _groups(shape: Contraction) -> int:
    return shape.groups


def _violation(profile: Profile, costed: Costed, shape: Contraction) -> Violation:
    c1, c2, groups = shape.c_in, shape.c_out, shape.groups
    narrow = round(c1 / sqrt(groups)), round(c2 / sqrt(groups))
    ungrouped = replace(shape, c_in=narrow[0], c_out=narrow[1], groups=1)
    kernel = "×".join(map(str, shape.kernel))
    return Violation(
        layer=costed.operator.layer,
        source=profile.line_of(costed.operator, judged=_groups),
        message=f"{groups} groups, kernel {kernel}: c1={c1}, c2={c2}",
        instead=(
            f"no groups, c1={c1}, c2={c2} → {narrow[0]} and {narrow[1]} (both divided by √{groups}), at the same"
            " multiply-adds"
        ),
        value=_avoidable(shape) / profile.total.mac_elements,
        avoidable=_avoidable(shape),
        avoidable_bytes=_avoidable(shape) * costed.itemsize,
        counterfactual={
            "now": shape.describe(),
            "instead": ungrouped.describe(),
        },
        now=(costed,),
        then=(reshaped(costed, ungrouped),),
        evidence=profile.cited("G2", costed, groups, sqrt(c1 * c2 / groups)),
    )
