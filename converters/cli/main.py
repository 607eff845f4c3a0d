"""The command line of fhir2cdisc: its commands, and what is wrong with a call as one sentence."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from fhir2cdisc.converters.cli.adam import adam
from fhir2cdisc.converters.cli.map import map_command
from fhir2cdisc.converters.cli.results import results
from fhir2cdisc.converters.cli.run import run
from fhir2cdisc.converters.cli.sdtm import sdtm
from fhir2cdisc.converters.cli.simulate import simulate
from fhir2cdisc.converters.cli.studies import studies
from fhir2cdisc.converters.cli.trace import trace
from fhir2cdisc.converters.cli.validate import validate
from fhir2cdisc.converters.temporary import ended_in_order
from fhir2cdisc.mappings.errors import Fhir2CdiscError

# Refused while something is written; the system does not say where.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def clear_errors() -> Iterator[None]:
    """What is wrong with a call becomes one sentence and exit code 1, whichever command it is."""
    try:
        yield
    except Fhir2CdiscError as error:
        raise click.ClickException(str(error)) from error
    except BrokenPipeError:
        # Whoever reads the output has seen enough; click ends in silence.
        raise
    except OSError as error:
        raise click.ClickException(_in_words(error)) from error


def _in_words(error: OSError) -> str:
    """Which file the operating system refuses, and why; a full disk without a name is that of temporary files."""
    place = error.filename or (tempfile.tempdir if error.errno in _FULL else None)
    reason = error.strerror or str(error)
    return f"{place}: {reason}" if place else reason


class Commands(click.Group):
    """A group of commands whose errors are sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        with clear_errors(), ended_in_order():
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fhir2cdisc")
def main() -> None:
    """FHIR or raw extracts in; SDTM, ADaM, XPT, define.xml and endpoints out."""


for command in (studies, simulate, map_command, trace, validate, results, run, sdtm, adam):
    main.add_command(command)
