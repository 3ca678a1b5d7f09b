"""The command line, a command a file. ``mac-audit model.py`` is ``mac-audit check model.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mac_audit.cli.calibrate import calibrate
from mac_audit.cli.check import check
from mac_audit.cli.compare import compare
from mac_audit.cli.devices import list_devices
from mac_audit.cli.diff import diff
from mac_audit.cli.experiment import experiment
from mac_audit.cli.init import init
from mac_audit.cli.measure import measure
from mac_audit.cli.prove import prove
from mac_audit.cli.rule import explain
from mac_audit.cli.standard_output import replaced_where_it_has_no_letter
from mac_audit.cli.trace import trace
from mac_audit.cli.zoo import list_zoo
from mac_audit.errors import MacAuditError


class _DefaultGroup(click.Group):
    """A group whose first command needs no name, and no arguments either where a configuration file names models."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] in ("--help", "-h", "--version"))
        if not named and (args or _configured()):
            args.insert(0, "check")
        return super().parse_args(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        replaced_where_it_has_no_letter()
        return super().main(*args, **kwargs)


def _configured() -> bool:
    """Whether there is a configuration file; one that cannot be read is told by the command."""
    from mac_audit import config

    try:
        return config.find(Path.cwd()) is not None
    except MacAuditError:
        return True


@click.group(cls=_DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="mac-audit")
def main() -> None:
    """Lint neural-network architectures for what they really cost.

    `mac-audit model.py` audits the model in a file, `mac-audit` all that the configuration names;
    `mac-audit check --help` has all options.

    \b
    Targets:
      model.py              its model, build_model() or only nn.Module
      model.py:Name         that object, class or function
      package.module:name   the same of an importable module
      zoo:NAME              a bundled network, such as zoo:shufflenet_v2_x1_0
      torchvision:NAME      a network of torchvision, timm:NAME one of timm
      transformers:NAME     a model class, model_type or config.json, likewise diffusers:NAME
      model.pt2             an exported program, model.pt a TorchScript module
      network.json          a network that mac-audit trace saved

    Exit status: 0 no findings, 1 findings, 2 the audit could not be done, 130 interrupted.
    """


for command in (
    *(check, compare, init, diff, trace, explain, list_zoo),
    *(list_devices, calibrate, measure, prove, experiment),
):
    main.add_command(command)
