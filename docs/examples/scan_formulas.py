"""What the operators of scan.py cost."""

from mac_audit.cost import Work, formula


@formula("mylib.scan")
def scan(x, mix):
    """Each of batch · time states is multiplied with (width, width), after a product and a sum an element."""
    return Work("matmul", madds=x.numel * mix.shape[1], other_ops=2 * x.numel)


@formula("mylib.gated_norm")
def gated_norm(out):
    """Square, sum, quotient, and a sigmoid and a product for the gate."""
    return Work("norm", other_ops=8 * out.numel)
