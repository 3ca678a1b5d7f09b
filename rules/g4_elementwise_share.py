"""G4: element-wise operations are not negligible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mac_audit.profile import Costed, Evidence, Profile, joined
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, percent, rule


@rule("G4", "elementwise-share")
def elementwise_share(profile: Profile, *, limit: float = 0.45, negligible: float = 0.005) -> Outcome:
    """Element-wise operations are not negligible.

    ## What it does

    Adds up the memory access of element-wise operators (activations, additions and products of tensors, scaling)
    and, as the paper does, of depthwise convolutions. The measure is that sum as a share of the model's memory
    access.

    ## Why

    These operators have few FLOPs and move whole feature maps. In the paper's Figure 2 they take 23 % of the time of
    MobileNetV2 on a GPU; in its Table 4, a bottleneck without its ReLU and its shortcut runs a fifth faster.

    ## Instead

    * *Fuse it into the epilogue.* An operator that follows a convolution or a product, and is the only reader of its
      result, can run before that result is written: inference engines and `torch.compile` do so. It saves a write
      and a read of the map at the same multiply-adds; this is the saving that a finding states. What stays is judged
      with `--execution fused`.
    * *Move it to the thin side.* An activation between a widening and a narrowing layer works on the widest map of
      its block. After the narrowing layer, or before the widening one, it works on the thinnest; MobileNetV2 has no
      activation there at all.
    * *Concatenate instead of adding.* A residual addition reads two maps and writes one. ShuffleNetV2 passes half of
      the channels on untouched, and concatenation, channel shuffle and the next split can be one pass.
    * *Fewer channels for a depthwise convolution.* It reads and writes its whole map for k² multiply-adds an element.

    ## Options

    * `limit`: the share that is tolerated. 0.45 is this project's choice, the paper prints none: it lies between
      ShuffleNetV2 (at most 0.41 at every width, at resolutions of 96 to 448 and batches of 1 to 64) and the networks
      that the paper criticises (MobileNetV2, above 0.6).
    * `negligible`: places that would save less than this share of the model's memory access are not listed. 0.005 is
      this project's choice: two hundred of them together would make up the model.

    ## References

    Ma et al., ShuffleNet V2, ECCV 2018 (https://arxiv.org/abs/1807.11164), section 3,
    guideline G4, Figure 2 and Table 4.
    """
    counted = [costed for costed in profile.working if costed.kind in ("elementwise", "depthwise-conv")]
    if not counted:
        return NotApplicable("no element-wise operator and no depthwise convolution")
    model = profile.total.mac_elements
    share = sum(costed.cost.mac_elements for costed in counted)
    depthwise = sum(costed.cost.mac_elements for costed in counted if costed.kind == "depthwise-conv")
    return Measure(
        value=share / model,
        limit=limit,
        measure=f"MAC share of element-wise operators ({(share - depthwise) / model:.3f}) and depthwise"
        f" convolutions ({depthwise / model:.3f})",
        violations=_worst(profile, counted, share, limit, negligible),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """An operator with what its remedy saves: of the measure's numerator, and of the model's memory access."""

    costed: Costed
    from_share: float
    from_model: float


def _worst(
    profile: Profile, counted: list[Costed], share: float, limit: float, negligible: float
) -> tuple[Violation, ...]:
    """The fewest places, worst first, that bring the share down to the limit; negligible ones are left out."""
    model = float(profile.total.mac_elements)
    worth = negligible * model
    places = sorted(_places(profile, counted), key=lambda place: -place.from_model)
    chosen: list[Violation] = []
    for place in places:
        if share <= limit * model or not place.from_model or place.from_model < worth:
            break
        chosen.append(_fusible(profile, place))
        share, model = share - place.from_share, model - place.from_model
    if share <= limit * model:
        return tuple(chosen)
    stays = sorted((place.costed for place in places if not place.from_model), key=lambda c: -c.cost.mac_elements)
    chosen += [_unavoidable(profile, costed) for costed in stays if costed.cost.mac_elements >= worth]
    if not chosen:  # many a little
        chosen = [_fusible(profile, places[0]) if places[0].from_model else _unavoidable(profile, stays[0])]
    return tuple(chosen)


def _places(profile: Profile, counted: list[Costed]) -> Iterator[_Place]:
    """What running each operator in the kernel of its operands would save: its reads of them, and their writes.

    A result that several operators of a kernel read is written once: that saving is the first reader's.
    """
    written: set[int] = set()
    for costed in counted:
        reads = writes = from_elementwise = 0
        for index in costed.operator.inputs if costed.kind == "elementwise" else ():
            if index not in profile.in_registers:
                continue
            reads += profile.network.tensors[index].elements
            source, maker = profile.whole(index), profile.maker(index)
            if source not in written:
                written.add(source)
                writes += profile.network.tensors[source].elements
                if maker is not None and maker.kind == "elementwise":
                    from_elementwise += profile.network.tensors[source].elements
        yield _Place(costed, from_share=reads + from_elementwise, from_model=reads + writes)


def _fusible(profile: Profile, place: _Place) -> Violation:
    operator = place.costed.operator
    made = [profile.maker(index) for index in operator.inputs if index in profile.in_registers]
    producer = next((maker for maker in made if maker is not None), None)
    where = f"the kernel of {producer.operator.layer or 'the model'}" if producer else "its producer's kernel"
    instead = [f"run it in {where} (torch.compile and inference engines do)"]
    activations = [i for i in operator.inputs if not profile.network.tensors[i].is_weight]
    if len(activations) > 1 and operator.target.startswith("aten.add"):
        instead.append("or concatenate instead of adding")
    elif thin := _thin_side(profile, place.costed):
        instead.append(f"or move it to the thin side, a map {thin:.2g} times smaller")
    return _violation(profile, place.costed, place.from_model, ", ".join(instead))


def _unavoidable(profile: Profile, costed: Costed) -> Violation:
    if costed.kind == "depthwise-conv":
        ratio = costed.cost.mac_elements / max(costed.cost.madds, 1)
        instead = f"fewer channels: it moves {ratio:.2g} elements for a multiply-add, however it is run"
    else:
        instead = "do without it, or move it to a thinner map: its operands are read elsewhere too"
    return _violation(profile, costed, 0, instead)


def _thin_side(profile: Profile, costed: Costed) -> float:
    """How many times smaller the map before the layer that widened this one is; 0 where it is not, or is an input."""
    size = profile.network.tensors[costed.operator.outputs[0]].numel
    for index in costed.operator.inputs:
        maker = profile.maker(index)
        if maker is not None and maker.contraction is not None:
            made = [i for i in maker.operator.inputs if not profile.network.tensors[profile.whole(i)].is_weight]
            computed = all(profile.maker(i) is not None for i in made)
            before = maker.contraction.positions_in * maker.contraction.c_in
            return size / before if before < size and computed else 0
    return 0


def _violation(profile: Profile, costed: Costed, avoidable: float, instead: str) -> Violation:
    result = profile.network.tensors[costed.operator.outputs[0]]
    shape = "×".join(map(str, result.shape))
    name = costed.operator.target.split(".")[1].strip("_")
    share = costed.cost.mac_elements / profile.total.mac_elements
    return Violation(
        layer=costed.operator.layer,
        source=profile.line_of(costed.operator),
        message=f"{name} of a {shape} map: {percent(share)} of the model's MAC",
        instead=instead,
        value=share,
        avoidable=avoidable,
        avoidable_bytes=avoidable * costed.itemsize,
        counterfactual={
            "now": {"mac_elements": costed.cost.mac_elements, "madds": costed.cost.madds},
            "instead": {"mac_elements": costed.cost.mac_elements - avoidable, "madds": costed.cost.madds},
        },
        now=(costed,) if avoidable else (),
        then=(joined(costed, avoidable),) if avoidable else (),
        evidence=_evidence(profile, costed) if costed.kind == "elementwise" else None,
    )


def _evidence(profile: Profile, costed: Costed) -> Evidence | None:
    """The paper's Table 4 has activations, which read one map, and additions, which read two."""
    tensors = profile.network.tensors
    maps = [index for index in costed.operator.inputs if not tensors[index].is_weight]
    shape = tensors[costed.operator.outputs[0]].shape
    width = shape[1] if len(shape) > 3 else shape[-1] if shape else 1
    return profile.cited("G4", costed, max(len(maps), 1), max(width, 1))
