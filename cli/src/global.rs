//! What every command takes.

use crate::format::Format;
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// What every command that speaks with a server takes.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Server and output")]
pub struct Global {
    /// The server's address [default: the one of `larder login`].
    #[arg(long, global = true, env = "LARDER_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// The token to show [default: the one of `larder login`]; others can see flags, so prefer the
    /// variable.
    #[arg(
        long,
        global = true,
        env = "LARDER_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<String>,
    /// The login to use [default: the one that `larder context use` chose].
    #[arg(long, global = true, env = "LARDER_CONTEXT", value_name = "NAME")]
    pub context: Option<String>,
    /// Trust this authority's certificate (PEM) too.
    #[arg(long = "ca-cert", global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// How answers are shown.
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        value_name = "FORMAT",
        conflicts_with = "json"
    )]
    pub output: Option<Format>,
    /// The same as --output json.
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but the answer, warnings and failures.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say each call of the server, its status and its time.
    #[arg(long, short, global = true, action = ArgAction::SetTrue, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Do what would be asked about without asking.
    #[arg(long, short, global = true)]
    pub yes: bool,
}

impl Global {
    /// Whether an answer that is text can be shown.
    pub fn shows_text(&self) -> bool {
        !matches!(self.format(), Format::Csv | Format::Name)
    }

    /// How answers are shown.
    pub(crate) fn format(&self) -> Format {
        match self.output {
            Some(format) => format,
            None if self.json => Format::Json,
            None => Format::Table,
        }
    }
}
