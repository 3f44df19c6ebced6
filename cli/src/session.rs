//! Which server, shown what: flags first, then the profile.

use crate::client::{Client, Credentials};
use crate::command::Global;
use crate::failure::Failure;
use crate::profile::Profile;
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

/// A client for the server that is meant. The profile's token goes to the profile's server alone.
pub(crate) fn open(global: &Global, config: &Path) -> Result<Client, Failure> {
    let profile = Profile::load(config)?;
    let kept = profile
        .as_ref()
        .map(|profile| Server::parse(&profile.server))
        .transpose()?;
    let given = global
        .server
        .as_deref()
        .filter(|server| !server.is_empty())
        .map(Server::parse)
        .transpose()?;
    let server = given.or_else(|| kept.clone()).ok_or(Failure::NotLoggedIn)?;
    let profile = profile.filter(|_| kept.as_ref() == Some(&server));
    let token = given_token(global).or(profile.as_ref().map(|profile| profile.token.as_str()));
    let credentials = token.map_or(Credentials::None, |token| {
        Credentials::Token(token.to_owned())
    });
    let ca = global
        .ca
        .as_deref()
        .or(profile.as_ref().and_then(|profile| profile.ca.as_deref()));
    Client::new(server, ca, credentials)
}
