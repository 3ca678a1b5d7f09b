"""A rule and a reporter of one's own, in a package that `pip install` puts beside mac-audit."""

from mac_audit.profile import Profile
from mac_audit.reporters.escape import clean
from mac_audit.rule import Measure, NotApplicable, Outcome, Violation, rule


@rule("H1", "odd-channels")
def odd_channels(profile: Profile, *, multiple: int = 8, limit: float = 0) -> Outcome:
    """Channels come in multiples of eight.

    ## What it does

    Counts the convolutions and linear layers whose output channels are no multiple of `multiple`. Those that only
    end the network, a classifier's logits, count like the others.

    ## Options

    * `multiple`: what our accelerator's vector unit takes at once.
    * `limit`: how many such layers are tolerated.
    """
    layers = [(costed, shape) for costed in profile.working if (shape := costed.contraction) and shape.weighted]
    if not layers:
        return NotApplicable("no convolution and no linear layer")
    odd = [
        Violation(
            layer=costed.operator.layer,
            source=profile.line_of(costed.operator),
            message=f"{shape.c_out} output channels",
            instead=f"{-(-shape.c_out // multiple) * multiple}, which take as long",
            value=1,
            avoidable=0,
            avoidable_bytes=0,
            counterfactual={"now": {"c_out": shape.c_out}},
        )
        for costed, shape in layers
        if shape.c_out % multiple
    ]
    return Measure(len(odd), limit, tuple(odd), measure="layers of odd width", unit="count")


def worst(reports, view):
    """For each model the layer that accesses most memory, on a line, for a message in a chat."""
    del view  # how wide and how deep a person wants it
    lines = []
    for report in map(clean, reports):
        layers = [row for row in report.layers if row.own.operators]
        most = max(layers, key=lambda row: row.own.mac_bytes, default=None)
        place = f"{most.path or 'the model itself'} {most.own.mac_bytes / 1e6:.3g} MB" if most else "nothing"
        lines.append(f"{report.name}: {report.verdict}, most memory access in {place}\n")
    return "".join(lines)
