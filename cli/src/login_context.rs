//! `larder context`.

use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::profile::{Profile, Profiles};
use crate::table::Table;
use clap::Subcommand;
use serde_json::{Value, json};

/// What can be done to logins.
#[derive(Subcommand, Debug)]
pub enum LoginContext {
    /// List the logins that are remembered.
    List,
    /// Use a login from now on.
    Use {
        /// The login's name, as the list shows it.
        name: String,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("SERVER", "server"),
        ("IN USE", "current"),
    ],
    &["name"],
)
.with(&[("CA", "ca")]);

/// Needs no server, and shows no secret.
pub(crate) fn login_context(command: LoginContext, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let mut profiles = Profiles::load(&cx.env.config_dir)?;
    match command {
        LoginContext::List => {
            let item = |(name, profile, current): (&str, &Profile, bool)| {
                let Profile { server, ca, .. } = profile;
                json!({"name": name, "server": server, "current": current, "ca": ca})
            };
            let items: Vec<Value> = profiles.iter().map(item).collect();
            Ok(Outcome::list(json!({"items": items, "next": null}), &LIST))
        }
        LoginContext::Use { name } => {
            profiles.choose(&name)?;
            profiles.save(&cx.env.config_dir)?;
            Ok(Outcome::done(format!("Commands use the login {name}.")))
        }
    }
}
