"""The command `recurra` before its verbs: what all of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import recurra

app = typer.Typer(
    name="recurra",
    help="From a data file to a recurrent network that is trained, compared, understood and running.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

INTERRUPTED = 130  # exit status: 128 and the number of SIGINT
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
RUN = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, as `recurra fit --out` leaves it.")]

# Of the options of fit, those that stand apart from the others in its help.
SECTIONS = {
    "What the columns mean": "target text features time id group split ignore layout label_separator".split(),
    "Forecasts of series over time": "horizon look_back known past static frequency season".split(),
    "Windows of a stream": ["window", "stride"],
}


class Sectioned(TyperCommand):
    """A command whose options are listed in `SECTIONS`; typer's own panels need rich, which would slow --help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, plain options, then every section under its heading."""
        heading_of = {name: heading for heading, names in SECTIONS.items() for name in names}
        records: dict[str, list[Any]] = {heading: [] for heading in ("Arguments", "Options", *SECTIONS)}
        for parameter in self.get_params(ctx):
            plain = "Arguments" if parameter.param_type_name == "argument" else "Options"
            record = parameter.get_help_record(ctx)
            if record is not None:
                records[heading_of.get(parameter.name or "", plain)].append(record)
        for heading, listed in records.items():
            with formatter.section(heading):
                formatter.write_dl(listed)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recurra {recurra.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
