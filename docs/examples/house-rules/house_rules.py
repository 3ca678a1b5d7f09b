"""A rule and a reporter of one's own, in a package that `pip install` puts beside mac-audit."""

import csv
import io

from mac_audit.profile import Profile
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


def csv_of_layers(reports, view):
    """A row for each layer of each model, for a spreadsheet."""
    del view  # how wide and how deep a person wants it
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["model", "layer", "type", "params", "madds", "mac_bytes"])
    for report in reports:
        for row in report.layers:
            writer.writerow([report.name, row.path, row.type, row.params, row.madds, row.mac_bytes])
    return table.getvalue()
