"""The command line as tests call it.

A command is always called by its group: click keeps the help option that a command is given when it is first called.
"""

from __future__ import annotations

from click.testing import CliRunner, Result
from fhir2cdisc.converters.cli.main import main


def call(*words: object) -> Result:
    """`fhir2cdisc` with these words: what it said and its exit code."""
    return CliRunner().invoke(main, [str(word) for word in words])


def fhir2cdisc(*words: object) -> str:
    """What a command says that must succeed."""
    done = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
