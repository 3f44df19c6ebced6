//! What a command is carried out with: its flags, the machine, and the server that is meant.

use crate::client::Client;
use crate::failure::Failure;
use crate::format::Format;
use crate::global::Global;
use crate::session;
use crate::terminal::{self, Voice};
use larder_discover::Machine;
use larder_model::Clock;
use std::path::PathBuf;

/// What the program knows of where it runs.
#[derive(Debug, Clone)]
pub struct Env {
    /// The user's configuration folder, e.g. `~/.config`; the profiles are in `larder/profile.toml`
    /// under it.
    pub config_dir: PathBuf,
    /// The present moment.
    pub clock: Clock,
    /// The machine, as its package managers see it.
    pub machine: Machine,
    /// Whether someone asked for no color (`NO_COLOR`).
    pub no_color: bool,
    /// The whole command line, for completion.
    pub grammar: clap::Command,
}

/// What a command is carried out with.
pub(crate) struct Context<'a> {
    /// What every command takes.
    pub(crate) global: &'a Global,
    /// Where it runs.
    pub(crate) env: &'a Env,
}

impl Context<'_> {
    /// How things are said on standard error.
    pub(crate) fn voice(&self) -> Voice {
        voice(self.global.format(), self.global.quiet, self.env.no_color)
    }

    /// A client of the server that is meant.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let client = session::open(self.global, &self.env.config_dir)?;
        Ok(client.telling(self.global.verbose.then(|| self.voice())))
    }

    /// Asks before something is lost, unless `--yes` is given.
    pub(crate) fn confirm(&self, question: &str) -> Result<(), Failure> {
        terminal::confirm(question, self.global.yes)
    }
}

/// The voice for a form of answers: nothing is colored that no person sees.
pub(crate) fn voice(format: Format, quiet: bool, no_color: bool) -> Voice {
    Voice {
        as_json: format.is_json(),
        quiet,
        paint: !no_color && !format.is_json() && terminal::is_watched(),
    }
}
