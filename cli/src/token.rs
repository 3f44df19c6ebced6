//! `larder token`.

use crate::client::Client;
use crate::command::Token;
use crate::failure::Failure;
use crate::outcome::{Outcome, View};
use crate::table::Column;
use crate::terminal::confirm;
use larder_api::NewToken;
use larder_model::{Timestamp, UserName};
use serde_json::Value;

const LIST: &[Column] = &[
    ("ID", "id"),
    ("NAME", "name"),
    ("KIND", "kind"),
    ("LIMITS", "grants"),
    ("CREATED", "created_at"),
    ("EXPIRES", "expires_at"),
];
const CREATED: &[Column] = &[
    ("Id", "id"),
    ("Name", "name"),
    ("Limits", "grants"),
    ("Expires", "expires_at"),
    ("Secret", "secret"),
];

/// `now`: the present moment, from which a time to live counts.
pub(crate) async fn token(
    command: Token,
    client: &Client,
    now: Timestamp,
) -> Result<Outcome, Failure> {
    match command {
        Token::List { owner } => Ok(Outcome::list(
            client.all(&["tokens"], &of(owner.as_ref())).await?,
            LIST,
        )),
        Token::Create {
            name,
            expires,
            grants,
            owner,
            quiet,
        } => {
            let body = NewToken {
                name,
                expires_at: expires.map(|expires| expires.moment(now)),
                grants: Some(grants).filter(|grants| !grants.is_empty()),
            };
            let made = client.post(&["tokens"], &of(owner.as_ref()), &body).await?;
            created(made, quiet, client)
        }
        Token::Delete { id, yes } => {
            confirm(&format!("End token {id}?"), yes)?;
            client.delete(&["tokens", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Token {id} ended.")))
        }
    }
}

fn of(owner: Option<&UserName>) -> Vec<(&str, &str)> {
    owner
        .map(|owner| ("owner", owner.as_str()))
        .into_iter()
        .collect()
}

fn created(made: Value, quiet: bool, client: &Client) -> Result<Outcome, Failure> {
    if !quiet {
        return Ok(Outcome::record(made, CREATED).noting("the secret is shown only now"));
    }
    let (_, secret) = client.secret(&made)?;
    Ok(Outcome {
        json: Some(made),
        view: View::Text(secret),
        note: None,
        failed: false,
    })
}
