//! Which server, shown what: flags first, then the profile.

use crate::client::{Client, Credentials};
use crate::failure::Failure;
use crate::global::Global;
use crate::profile::{Profile, Profiles};
use crate::server::Server;
use std::path::Path;

/// The token that flags or environment give; an empty variable is none.
pub(crate) fn given_token(global: &Global) -> Option<&str> {
    global
        .token
        .as_deref()
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// A client for the server that is meant. A profile's token goes to the profile's server alone.
pub(crate) fn open(global: &Global, config: &Path) -> Result<Client, Failure> {
    let profiles = Profiles::load(config)?;
    let chosen = profiles.get(global.context.as_deref())?;
    let chosen = chosen.map(|(_, profile)| profile);
    let is_named = global
        .context
        .as_deref()
        .is_some_and(|name| !name.is_empty());
    let given = global.server.as_deref().filter(|server| !server.is_empty());
    let given = given.map(Server::parse).transpose()?;
    let (server, profile) = match (given, chosen) {
        // A server that is given wins, with the login that there is for it.
        (Some(server), _) => {
            let is_for = |profile: &Profile| {
                Server::parse(&profile.server).is_ok_and(|other| other == server)
            };
            let profile = if is_named {
                chosen.filter(|profile| is_for(profile))
            } else {
                profiles.of_server(is_for)
            };
            (server, profile)
        }
        (None, Some(profile)) => (Server::parse(&profile.server)?, Some(profile)),
        (None, None) => return Err(Failure::NotLoggedIn),
    };
    let token = given_token(global).or(profile.map(|profile| profile.token.as_str()));
    let credentials = token.map_or(Credentials::None, |token| {
        Credentials::Token(token.to_owned())
    });
    let ca = global.ca.as_deref();
    let ca = ca.or(profile.and_then(|profile| profile.ca.as_deref()));
    Client::new(server, ca, credentials)
}
