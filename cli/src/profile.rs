//! What `larder login` remembers: `larder/profile.toml` in the user's configuration folder,
//! readable by its owner alone. It has a profile for each login, by name.

use crate::failure::Failure;
use crate::private_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A server and how to show oneself there. `Debug` is left out: it holds a secret.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The server's address.
    pub(crate) server: String,
    /// The token to show.
    pub(crate) token: String,
    /// The token's id, if login made it: then logout ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_id: Option<String>,
    /// An authority to trust besides the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

/// All profiles, and which one is used when none is named.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profiles {
    /// The name of the one that is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    /// Each by its name.
    #[serde(default)]
    contexts: BTreeMap<String, Profile>,
}

fn path(config: &Path) -> PathBuf {
    config.join("larder").join("profile.toml")
}

/// The name that a login has if nobody gives it one: the server's host, with its port.
pub(crate) fn usual_name(server: &str) -> String {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    rest.trim_end_matches('/').to_owned()
}

impl Profiles {
    /// Reads the profiles; there may be none.
    pub(crate) fn load(config: &Path) -> Result<Self, Failure> {
        let path = path(config);
        let text = private_file::read(&path).map_err(|error| Failure::file(&path, error))?;
        let Some(text) = text else {
            return Ok(Self::default());
        };
        // A file of an older version is a profile alone.
        if let Ok(profile) = toml::from_str::<Profile>(&text) {
            let mut profiles = Self::default();
            profiles.put(usual_name(&profile.server), profile);
            return Ok(profiles);
        }
        // The error's own text would show the line, and with it the token.
        let wrong = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            let advice = "mend it, or remove the file and run larder login URL";
            Failure::file(&path, format!("line {line} is wrong; {advice}"))
        };
        toml::from_str(&text).map_err(wrong)
    }

    /// Writes the profiles whole or not at all; none at all is no file.
    pub(crate) fn save(&self, config: &Path) -> Result<(), Failure> {
        let path = path(config);
        let failure = |error| Failure::file(&path, error);
        if self.contexts.is_empty() {
            return private_file::remove(&path).map_err(failure);
        }
        let text = toml::to_string(self).map_err(|error| Failure::file(&path, error))?;
        private_file::replace(&path, &text).map_err(failure)
    }

    /// The profile that is meant: the named one, or the one in use. Fails if there is none of that
    /// name.
    pub(crate) fn get(&self, name: Option<&str>) -> Result<Option<(&str, &Profile)>, Failure> {
        let named = |name: &str| self.contexts.get_key_value(name);
        let found = match name.filter(|name| !name.is_empty()) {
            Some(name) => Some(named(name).ok_or_else(|| self.unknown(name))?),
            None => self.current.as_deref().and_then(named),
        };
        Ok(found.map(|(name, profile)| (&**name, profile)))
    }

    /// The profile for a server: the one in use, if it is for it, or the first that is.
    pub(crate) fn of_server(&self, is_it: impl Fn(&Profile) -> bool) -> Option<&Profile> {
        let current = self.get(None).ok().flatten().map(|(_, profile)| profile);
        current
            .into_iter()
            .chain(self.contexts.values())
            .find(|profile| is_it(profile))
    }

    /// All of them, by name, each with whether it is in use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Profile, bool)> {
        let current = self.current.as_deref();
        self.contexts
            .iter()
            .map(move |(name, profile)| (&**name, profile, current == Some(name)))
    }

    /// Keeps a profile and uses it from now on; the one that had the name.
    pub(crate) fn put(&mut self, name: String, profile: Profile) -> Option<Profile> {
        self.current = Some(name.clone());
        self.contexts.insert(name, profile)
    }

    /// Uses the named one from now on.
    pub(crate) fn choose(&mut self, name: &str) -> Result<(), Failure> {
        if !self.contexts.contains_key(name) {
            return Err(self.unknown(name));
        }
        self.current = Some(name.to_owned());
        Ok(())
    }

    /// Forgets one. If it was in use and one alone is left, that is used.
    pub(crate) fn forget(&mut self, name: &str) {
        self.contexts.remove(name);
        if self.current.as_deref() == Some(name) {
            let only = self.contexts.len() == 1;
            self.current = self.contexts.keys().next().filter(|_| only).cloned();
        }
    }

    fn unknown(&self, name: &str) -> Failure {
        let names: Vec<&str> = self.contexts.keys().map(|name| &**name).collect();
        Failure::Missing(if names.is_empty() {
            format!("there is no login {name:?}, and no other: larder login URL makes one")
        } else {
            format!("there is no login {name:?}; there is {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests;
