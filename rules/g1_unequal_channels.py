"""G1: equal channel width minimises memory access cost."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, lcm, sqrt

from mac_audit.profile import Contraction, Costed, Profile, reshaped
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, fewest, rule

_TOLD = 0.0005  # a share that is more than nothing in three digits


@rule("G1", "unequal-channels")
def unequal_channels(profile: Profile, *, limit: float = 0.05, multiple: int = 8, negligible: float = 0.001) -> Outcome:
    """Equal channel width minimises memory access cost.

    ## What it does

    Looks at every 1×1 convolution (grouped ones too, depthwise ones not) and linear layer with c1 input and c2
    output channels over hw positions (batch included) and adds up the memory access that layers of equal width
    would save at the same multiply-adds. The measure is that sum as a share of the memory access of all these
    layers.

    ## Why

    With g groups MAC = hw(c1 + c2) + c1·c2/g. For given multiply-adds B = hw·c1·c2 (at g = 1) it has the lower bound
    2·√(hw·B) + B/hw, which is reached where c1 = c2; the excess is hw(√c1 − √c2)². In the paper's Table 1 a ratio
    of 1:12 halves the speed on a GPU at the same FLOPs. A layer with a stride has fewer output than input positions:
    its excess is counted with each side's own, and is zero where equal widths would save nothing.

    ## What is not blamed

    Where a model starts from data (an image of at most 4 channels, a table, integers like tokens), a layer that reads
    an input or writes an output has a side that the data set: channels of an image, features, classes, a vocabulary.
    At the same multiply-adds its other side is settled too. It counts in the measure, which says how much, and is
    never a finding; the model fails where the other layers alone exceed the limit. A model that starts from a feature
    map is taken for part of a larger one, which chose the widths at its edges.

    ## Instead

    Give both sides the width √(c1·c2), rounded to a multiple that the hardware likes. Where a bottleneck or an
    inverted bottleneck causes the finding, choose an expansion nearer to one.

    ## Options

    * `limit`: the share of avoidable memory access that is tolerated. 0.05 is this project's choice, the paper
      prints none: it lies between the networks that the paper praises (ShuffleNetV2, below 0.02) and those that it
      criticises (ShuffleNetV1 and MobileNetV2, above 0.1).
    * `multiple`: widths are suggested as multiples of this. 8 is what tensor cores and SIMD units of eight 32-bit
      lanes fill (NVIDIA, *Deep Learning Performance*, "Tensor Core requirements").
    * `negligible`: layers that would save less than this share of the model's memory access are not listed, and where
      there are none but these the model passes. 0.001 is this project's choice.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018 (https://arxiv.org/abs/1807.11164), section 3,
    guideline G1, equation 1 and Table 1.
    """
    layers = [
        (costed, shape)
        for costed in profile.working
        if (shape := costed.contraction) is not None and shape.weighted and shape.pointwise and not shape.depthwise
    ]
    if not layers:
        return NotApplicable("no 1×1 convolution and no linear layer")
    access = sum(costed.cost.mac_elements for costed, _ in layers)
    value = sum(_avoidable(shape) for _, shape in layers) / access
    worth = negligible * profile.total.mac_elements
    free = [(costed, shape) for costed, shape in layers if not any(profile.given(costed))]
    fixed = value - sum(_avoidable(shape) for _, shape in free) / access
    worst = fewest(free, lambda layer: _avoidable(layer[1]), access, limit, worth)
    return Measure(
        value=value,
        limit=limit,
        measure="avoidable MAC of 1×1 convolutions and linear layers ÷ their MAC"
        + (f", {fixed:.3f} of it where data set a width" if fixed >= _TOLD else ""),
        violations=tuple(_violation(profile, costed, shape, multiple) for costed, shape in worst),
        negligible=value > limit and not worst,
    )


def _avoidable(shape: Contraction) -> float:
    """Elements that equal widths save at the same multiply-adds; hw(√c1 − √c2)² where positions are equal."""
    width = sqrt(shape.c_in * shape.c_out)
    return max(0.0, shape.positions_in * (shape.c_in - width) + shape.positions_out * (shape.c_out - width))


def _ratio(shape: Contraction) -> float:
    return shape.c_in / shape.c_out


def _violation(profile: Profile, costed: Costed, shape: Contraction, multiple: int) -> Violation:
    c1, c2, groups = shape.c_in, shape.c_out, shape.groups
    width = max(1, round(sqrt(c1 * c2) / groups)) * groups
    handy = _handy(c1 * c2, lcm(multiple, groups))
    rounded = replace(shape, c_in=handy[0], c_out=handy[1])
    equal = replace(shape, c_in=width, c_out=width)
    counterfactual = {"now": shape.describe(), "instead": equal.describe()}
    instead = f"c1={c1}, c2={c2} → {width} and {width}, at the same multiply-adds"
    if handy != (width, width) and rounded.mac_elements < shape.mac_elements:
        counterfactual["rounded"] = rounded.describe()
        more = f"{100 * (handy[0] * handy[1] / (c1 * c2) - 1):+.1f} %".replace("-0.0 %", "+0.0 %")
        instead += f"; in multiples of {lcm(multiple, groups)}: {handy[0]} and {handy[1]} ({more} multiply-adds)"
    return Violation(
        layer=costed.operator.layer,
        source=profile.line_of(costed.operator, judged=_ratio),
        message=f"channel widths {max(c1, c2) / min(c1, c2):.3g} to 1: c1={c1}, c2={c2}",
        instead=instead,
        value=_avoidable(shape) / costed.cost.mac_elements,
        avoidable=_avoidable(shape),
        avoidable_bytes=_avoidable(shape) * costed.itemsize,
        counterfactual=counterfactual,
        now=(costed,),
        then=(reshaped(costed, equal),),
        evidence=profile.cited("G1", costed, max(c1, c2) / min(c1, c2), sqrt(c1 * c2)),
    )


def _handy(product: int, multiple: int) -> tuple[int, int]:
    """The two nearly equal multiples whose product is nearest to ``product``."""
    width = sqrt(product) / multiple
    near = {max(1, floor(width)), max(1, ceil(width))}
    c1, c2 = min(
        ((a * multiple, b * multiple) for a in near for b in near if a <= b),
        key=lambda pair: (abs(pair[0] * pair[1] - product), pair[1] - pair[0]),
    )
    return c1, c2
