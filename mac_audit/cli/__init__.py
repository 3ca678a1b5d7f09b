"""The command line, a command a file. ``mac-audit model.py`` is ``mac-audit check model.py``."""

from __future__ import annotations

import click

from mac_audit.cli.calibrate import calibrate
from mac_audit.cli.check import check
from mac_audit.cli.devices import list_devices
from mac_audit.cli.experiment import experiment
from mac_audit.cli.measure import measure
from mac_audit.cli.prove import prove
from mac_audit.cli.rule import explain
from mac_audit.cli.zoo import list_zoo


class _DefaultGroup(click.Group):
    """A group whose first command needs no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            args.insert(0, "check")
        return super().parse_args(ctx, args)


@click.group(cls=_DefaultGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="mac-audit")
def main() -> None:
    """Lint neural-network architectures for what they really cost.

    `mac-audit model.py` audits the model in a file; `mac-audit check --help` has all options.

    \b
    Targets:
      model.py              its model, build_model() or only nn.Module
      model.py:Name         that object, class or function
      package.module:name   the same of an importable module
      zoo:NAME              a bundled network, such as zoo:shufflenet_v2_x1_0
      torchvision:NAME      a network of torchvision, timm:NAME one of timm

    Exit status: 0 no findings, 1 findings, 2 the audit could not be done.
    """


for command in (calibrate, check, experiment, explain, list_devices, list_zoo, measure, prove):
    main.add_command(command)
