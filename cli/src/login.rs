//! `larder login`, `logout` and `whoami`.

use crate::client::{Client, Credentials};
use crate::command::{Global, Login};
use crate::escape::plain;
use crate::failure::Failure;
use crate::outcome::{Outcome, complain};
use crate::profile::Profile;
use crate::server::Server;
use crate::session::given_token;
use crate::table::Column;
use crate::{password, session, terminal};
use larder_api::{Caller, NewToken};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What every token begins with: one that is given as a password is no password.
const TOKEN: &str = "lrd_";

const CALLER: &[Column] = &[
    ("Name", "name"),
    ("Kind", "kind"),
    ("Superuser", "superuser"),
    ("Limited", "limited"),
    ("Server", "server"),
];

pub(crate) async fn login(
    login: Login,
    global: &Global,
    config: &Path,
) -> Result<Outcome, Failure> {
    let server = Server::parse(&login.url)?;
    if !server.is_secure() && !server.is_local() {
        complain(
            "warning: http:// sends the password for everyone on the way to read; use https:// if you can",
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
    let before = Profile::load(config).ok().flatten();
    let profile = Profile {
        server: server.to_string(),
        token,
        token_id,
        ca,
    };
    if let Err(failure) = profile.save(config) {
        drop(end_token(&profile).await); // nobody would ever show it
        return Err(failure);
    }
    if let Some(before) =
        before.filter(|before| before.server == profile.server && before.token != profile.token)
    {
        drop(end_token(&before).await); // it would only lie about; whoever minds finds it in the list
    }
    Ok(Outcome::done(format!("Logged in to {server} as {name}.")))
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
    let machine = rustix::system::uname();
    let machine: String = machine
        .nodename()
        .to_string_lossy()
        .chars()
        .filter(|c| !c.is_control())
        .take(100)
        .collect();
    let body = NewToken {
        name: format!("cli {machine}"),
        expires_at: None,
        grants: None,
    };
    let (id, secret) = client.secret(&client.post(&["tokens"], &[], &body).await?)?;
    Ok((secret, Some(id)))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::file(path, error))
}

pub(crate) async fn logout(config: &Path) -> Result<Outcome, Failure> {
    let Some(profile) = Profile::load(config)? else {
        return Ok(Outcome::done("Not logged in."));
    };
    let ended = end_token(&profile).await;
    Profile::forget(config)?;
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

pub(crate) async fn whoami(global: &Global, config: &Path) -> Result<Outcome, Failure> {
    let client = session::open(global, config)?;
    let mut answer = client.get(&["whoami"], &[]).await?;
    let caller: Caller = client.read(&answer, "a caller")?;
    if caller.name.is_none() {
        let sentence = format!(
            "Nobody: {} was shown no credentials. Run larder login URL.",
            client.server()
        );
        return Ok(Outcome {
            json: Some(answer),
            ..Outcome::done(sentence)
        });
    }
    answer["server"] = Value::String(client.server().to_string());
    Ok(Outcome::record(answer, CALLER))
}
