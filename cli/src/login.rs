//! `larder login`, `logout` and `whoami`.

use crate::client::{Client, Credentials, MadeToken};
use crate::context::Context;
use crate::escape::plain;
use crate::exit::Exit;
use crate::expiry::Expiry;
use crate::failure::Failure;
use crate::global::Global;
use crate::outcome::Outcome;
use crate::profile::{Profile, Profiles, usual_name};
use crate::server::Server;
use crate::session::given_token;
use crate::table::Table;
use crate::{password, terminal};
use clap::Args;
use larder_api::{Caller, NewToken, TokenKind};
use larder_model::{Timestamp, UserName};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What every token begins with: one that is given as a password is no password.
const TOKEN: &str = "lrd_";

const CALLER: Table = Table::new(
    &[
        ("Name", "name"),
        ("Kind", "kind"),
        ("Superuser", "superuser"),
        ("Limited", "limited"),
        ("Server", "server"),
    ],
    &["name"],
);

/// Log in. With --token that token is checked and remembered; else a new one is made with a user's
/// password. --context gives the login a name; else it has the server's.
#[derive(Args, Debug)]
pub struct Login {
    /// The server's address.
    pub url: String,
    /// User name [default: asked for].
    #[arg(long)]
    pub username: Option<UserName>,
    /// Read the password from standard input, one line, instead of asking for it.
    #[arg(long)]
    pub password_stdin: bool,
    /// When the login ends, and what is made with it: after a time (12h, 30d, 52w) or at a date
    /// (2030-01-31) [default: 90d].
    #[arg(long, value_name = "WHEN")]
    pub expires: Option<Expiry>,
}

/// When a login ends that was not told when.
const LIFE: Expiry = Expiry::After(Duration::from_hours(90 * 24));

pub(crate) async fn login(login: Login, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let (global, config) = (cx.global, &*cx.env.config_dir);
    let server = Server::parse(&login.url)?;
    if !server.is_secure() && !server.is_local() {
        cx.voice().warn(
            "http:// sends the password for everyone on the way to read; use https:// if you can",
        );
    }
    let ca = global.ca.as_deref().map(absolute).transpose()?;
    let expires = login.expires;
    let credentials = credentials(login, global, &server)?;
    if expires.is_some() && matches!(credentials, Credentials::Token(_)) {
        let text = "a token that is given ends when it ends: --expires is for a password";
        return Err(Failure::Usage(text.to_owned()));
    }
    let client = Client::new(server.clone(), ca.as_deref(), credentials.clone())?;
    let caller: Caller = client.read(&client.get(&["whoami"], &[]).await?, "a caller")?;
    let Some(name) = caller.name else {
        let what = "the credentials were not looked at".to_owned();
        return Err(Failure::Strange {
            server: server.to_string(),
            what,
        });
    };
    let (token, token_id, ends) = if let Credentials::Token(token) = credentials {
        (token, None, None)
    } else {
        let ends = expires.unwrap_or(LIFE).moment(cx.env.clock.now());
        let made = made_token(&client, ends).await?;
        (made.secret, Some(made.id), made.expires_at)
    };
    let mut profiles = Profiles::load(config)?;
    let profile = Profile {
        server: server.to_string(),
        token,
        token_id,
        ca,
    };
    let named = global.context.clone().filter(|name| !name.is_empty());
    let context = named.unwrap_or_else(|| usual_name(&profile.server));
    let before = profiles.put(context.clone(), profile.clone());
    if let Err(failure) = profiles.save(config) {
        drop(end_token(&profile).await); // nobody would ever show it
        return Err(failure);
    }
    if let Some(before) = before.filter(|before| before.token != profile.token) {
        drop(end_token(&before).await); // it would only lie about; whoever minds finds it in the list
    }
    let sentence = format!("Logged in to {server} as {name}.");
    let mut told = json!({"context": context, "server": profile.server, "name": name});
    let mut outcome = Outcome::done(sentence);
    if let Some(ends) = ends {
        told["expires_at"] = json!(ends);
        outcome = outcome.noting(format!("the login ends at {ends}; larder login renews it"));
    }
    Ok(Outcome {
        json: Some(told),
        ..outcome
    })
}

/// What to show: the token that was given, or a user's name and password.
fn credentials(login: Login, global: &Global, server: &Server) -> Result<Credentials, Failure> {
    let by_password = login.username.is_some() || login.password_stdin;
    if let Some(token) = given_token(global).filter(|_| !by_password) {
        return Ok(Credentials::Token(token.to_owned()));
    }
    let name = match login.username {
        Some(name) => name.to_string(),
        None if terminal::is_there() => terminal::ask(&format!("User name at {server}: "))?
            .trim()
            .to_owned(),
        None => {
            return Err(Failure::Usage(
                "nobody is there to answer: give --username or --token".to_owned(),
            ));
        }
    };
    let password = password::present(login.password_stdin, &name)?;
    if password.starts_with(TOKEN) {
        return Ok(Credentials::Token(password));
    }
    Ok(Credentials::Password { name, password })
}

/// Makes a token for this machine: the password itself is never kept.
async fn made_token(client: &Client, ends: Timestamp) -> Result<MadeToken, Failure> {
    let body = NewToken {
        kind: Some(TokenKind::Offline),
        name: format!("cli {}", terminal::machine_name()),
        expires_at: Some(ends),
        grants: None,
    };
    client.made_token(&client.post(&["tokens"], &[], &body).await?)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, error))
}

pub(crate) async fn logout(cx: &Context<'_>) -> Result<Outcome, Failure> {
    let config = &*cx.env.config_dir;
    let mut profiles = Profiles::load(config)?;
    let Some((name, profile)) = profiles.get(cx.global.context.as_deref())? else {
        return Ok(Outcome::done("Not logged in."));
    };
    let (name, profile) = (name.to_owned(), profile.clone());
    let ended = end_token(&profile).await;
    profiles.forget(&name);
    profiles.save(config)?;
    let outcome = Outcome::done(format!("Logged out of {}.", plain(&profile.server)));
    match (ended, &profile.token_id) {
        (Err(failure), Some(id)) => Ok(outcome.noting(format!(
            "the token could not be ended: {failure}; until it is, whoever has it is \
             still let in: larder token delete {}",
            plain(id)
        ))),
        _ => Ok(outcome),
    }
}

/// Ends the token that login made; one that is gone already is as good.
async fn end_token(profile: &Profile) -> Result<(), Failure> {
    let Some(id) = &profile.token_id else {
        return Ok(());
    };
    let credentials = Credentials::Token(profile.token.clone());
    let client = Client::new(
        Server::parse(&profile.server)?,
        profile.ca.as_deref(),
        credentials,
    )?;
    match client.delete(&["tokens", id]).await {
        Err(Failure::Refused {
            status: 401 | 404, ..
        }) => Ok(()),
        ended => ended,
    }
}

pub(crate) async fn whoami(cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = cx.client()?;
    let mut answer = client.get(&["whoami"], &[]).await?;
    let caller: Caller = client.read(&answer, "a caller")?;
    if caller.name.is_none() {
        let sentence = format!(
            "Nobody: {} was shown no credentials. Run larder login URL.",
            client.server()
        );
        return Ok(Outcome::text(Some(answer), sentence).ending(Exit::NotAllowed));
    }
    answer["server"] = Value::String(client.server().to_string());
    Ok(Outcome::record(answer, &CALLER))
}
