//! `larder login`, `logout` and `whoami`.

use crate::client::{Client, Credentials};
use crate::context::Context;
use crate::escape::plain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::global::Global;
use crate::outcome::Outcome;
use crate::profile::{Profile, Profiles, usual_name};
use crate::server::Server;
use crate::session::given_token;
use crate::table::Table;
use crate::{password, terminal};
use clap::Args;
use larder_api::{Caller, NewToken};
use larder_model::UserName;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
}

pub(crate) async fn login(login: Login, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let (global, config) = (cx.global, &*cx.env.config_dir);
    let server = Server::parse(&login.url)?;
    if !server.is_secure() && !server.is_local() {
        cx.voice().warn(
            "http:// sends the password for everyone on the way to read; use https:// if you can",
        );
    }
    let ca = global.ca.as_deref().map(absolute).transpose()?;
    let credentials = credentials(login, global, &server)?;
    let client = Client::new(server.clone(), ca.as_deref(), credentials.clone())?;
    let caller: Caller = client.read(&client.get(&["whoami"], &[]).await?, "a caller")?;
    let Some(name) = caller.name else {
        let what = "the credentials were not looked at".to_owned();
        return Err(Failure::Strange {
            server: server.to_string(),
            what,
        });
    };
    let (token, token_id) = match credentials {
        Credentials::Token(token) => (token, None),
        _ => made_token(&client).await?,
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
    Ok(Outcome {
        json: Some(json!({"context": context, "server": profile.server, "name": name})),
        ..Outcome::done(sentence)
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
async fn made_token(client: &Client) -> Result<(String, Option<String>), Failure> {
    let body = NewToken {
        name: format!("cli {}", terminal::machine_name()),
        expires_at: None,
        grants: None,
    };
    let (id, secret) = client.secret(&client.post(&["tokens"], &[], &body).await?)?;
    Ok((secret, Some(id)))
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
