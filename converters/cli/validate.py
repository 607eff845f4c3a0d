"""`fhir2cdisc validate`: conformance of a package, in the terminal, as JSON and as HTML."""

from __future__ import annotations

from pathlib import Path

import click
from fhir2cdisc.converters.choices import ENCODINGS


@click.command()
@click.argument("package_dir", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report as JSON here.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), help="Write the report as HTML here.")
@click.option("--core", type=click.Path(exists=True, path_type=Path), help="An installed CDISC CORE to run too.")
@click.option(
    "--encoding",
    type=click.Choice(ENCODINGS),
    default="ascii",
    show_default=True,
    help="Of the transport files; with ascii other characters are an error.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
def validate(
    package_dir: Path,
    json_path: Path | None,
    html_path: Path | None,
    core: Path | None,
    encoding: str,
    strict: bool,
) -> None:
    """Check PACKAGE_DIR (sdtm/*.xpt, adam/*.xpt, define.xml) and say what breaks which rule.

    The exit code is 0 without errors, 1 with errors.
    """
    from fhir2cdisc.converters.atomic import write_text
    from fhir2cdisc.converters.check.conformance import as_html, as_json, as_text, validate_package
    from fhir2cdisc.converters.check.core import run_core
    from fhir2cdisc.converters.package import check_outside

    for path in (json_path, html_path):
        if path is not None:
            check_outside(path)
    more = run_core(core, package_dir) if core is not None else []
    report = validate_package(package_dir, more=more, encoding=encoding)
    if json_path is not None:
        write_text(json_path, as_json(report))
    if html_path is not None:
        write_text(html_path, as_html(report))
    click.echo(as_text(report))
    if not report.passed or (strict and report.count("warning")):
        raise click.exceptions.Exit(1)
