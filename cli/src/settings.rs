//! `larder settings`.

use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{OciSettingsChange, Patch, SettingsChange};
use larder_model::RepoName;
use larder_model::nearest::nearest;

/// What can be done to the settings of the whole server.
#[derive(Subcommand, Debug)]
pub enum Settings {
    /// Show the settings.
    Show,
    /// Change settings; what is not given stays.
    Set {
        /// A setting and its value: `offline=true`, `oci.default_mirror=docker.io`; an empty name is
        /// no mirror.
        #[arg(required = true, value_name = "KEY=VALUE")]
        settings: Vec<String>,
    },
}

/// The settings of whether nothing is fetched, and of the mirror for names without a repository.
const OFFLINE: &str = "offline";
const DEFAULT_MIRROR: &str = "oci.default_mirror";
const KEYS: [&str; 2] = [OFFLINE, DEFAULT_MIRROR];

const RECORD: Table = Table::new(
    &[(OFFLINE, "offline"), (DEFAULT_MIRROR, "oci/default_mirror")],
    &["offline"],
);

pub(crate) async fn settings(command: Settings, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let shown = match command {
        Settings::Show => cx.client()?.get(&["settings"], &[]).await?,
        Settings::Set { settings } => {
            let change = change(&settings).map_err(Failure::Usage)?;
            cx.client()?.patch(&["settings"], &change).await?
        }
    };
    Ok(Outcome::record(shown, &RECORD))
}

/// What the words change; else what is wrong with one of them.
fn change(words: &[String]) -> Result<SettingsChange, String> {
    let mut change = SettingsChange::default();
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| format!("write a setting as KEY=VALUE, not {word}"))?;
        // As flags are spelt is understood too.
        let key = key.replace('-', "_");
        let is_second = match &*key {
            OFFLINE => change.offline.replace(flag(&key, value)?).is_some(),
            DEFAULT_MIRROR => {
                let default_mirror = Patch::Set(mirror(&key, value)?);
                let oci = OciSettingsChange { default_mirror };
                change.oci.replace(oci).is_some()
            }
            _ => return Err(unknown(&key)),
        };
        if is_second {
            return Err(format!("{key} is given twice"));
        }
    }
    Ok(change)
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    let wrong = |_| format!("{key} is true or false, not {value:?}");
    value.parse().map_err(wrong)
}

/// The name of a repository of images; an empty one is none.
fn mirror(key: &str, value: &str) -> Result<String, String> {
    if value.is_empty() || value.parse::<RepoName>().is_ok() {
        return Ok(value.to_owned());
    }
    // As commands name repositories.
    if let Some(name) = value.strip_prefix("oci/") {
        return mirror(key, name);
    }
    Err(format!(
        "{key} is the name of a repository of images, e.g. docker.io, not {value:?}"
    ))
}

fn unknown(key: &str) -> String {
    let advice = match nearest(key, KEYS) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}", KEYS.join(", ")),
    };
    format!("there is no setting {key}; {advice}")
}

#[cfg(test)]
mod tests;
