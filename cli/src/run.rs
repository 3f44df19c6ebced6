//! From a command to an exit code.

use crate::audit::audit;
use crate::command::{Command, Global};
use crate::connect::connect;
use crate::discover::discover;
use crate::failure::Failure;
use crate::grant::grant;
use crate::login::{login, logout, whoami};
use crate::outcome::{Outcome, complain};
use crate::repo::repo;
use crate::session::open;
use crate::token::token;
use crate::upstream::upstream;
use crate::user::user;
use larder_discover::Machine;
use larder_model::Clock;
use std::path::PathBuf;

/// What the program knows of where it runs.
#[derive(Debug, Clone)]
pub struct Env {
    /// The user's configuration folder, e.g. `~/.config`; the profile is in `larder/profile.toml`
    /// under it.
    pub config_dir: PathBuf,
    /// The present moment.
    pub clock: Clock,
    /// The machine, as its package managers see it.
    pub machine: Machine,
}

/// Carries out a command and shows what came of it. The exit code: 0 done, 1 failed, 2 wrong usage.
pub async fn run(command: Command, global: Global, env: &Env) -> i32 {
    let shown = match carry_out(command, &global, env).await {
        Ok(outcome) => outcome
            .show(global.json)
            .map(|()| i32::from(outcome.failed))
            .map_err(|error| Failure::Local(format!("standard output cannot be written: {error}"))),
        Err(failure) => Err(failure),
    };
    match shown {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit()
        }
    }
}

pub(crate) async fn carry_out(
    command: Command,
    global: &Global,
    env: &Env,
) -> Result<Outcome, Failure> {
    let client = || open(global, &env.config_dir);
    match command {
        Command::Login(args) => login(args, global, &env.config_dir).await,
        Command::Logout => logout(&env.config_dir).await,
        Command::Whoami => whoami(global, &env.config_dir).await,
        Command::Discover => Ok(discover(&env.machine)),
        Command::Connect { client: name, repo } => connect(&name, &repo, &client()?).await,
        Command::Repo(command) => repo(command, &client()?).await,
        Command::Upstream(command) => upstream(command, &client()?).await,
        Command::User(command) => user(command, &client()?).await,
        Command::Token(command) => token(command, &client()?, env.clock.now()).await,
        Command::Grant(command) => grant(command, &client()?).await,
        Command::Audit(command) => audit(command, &client()?).await,
    }
}
