//! `larder token`.

use crate::client::Client;
use crate::command::Token;
use crate::failure::Failure;
use crate::outcome::{Outcome, View};
use crate::table::Column;
use crate::terminal::confirm;
use larder_model::{Role, Timestamp, UserName};
use serde_json::{Value, json};
use std::str::FromStr;

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

/// What a token is limited to: `oci/team:reader` or `npm/*:writer:@acme/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    repository: String,
    role: String,
    package: Option<String>,
}

impl FromStr for Limit {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write REPOSITORY:ROLE or REPOSITORY:ROLE:PACKAGE, with the role reader, writer, maintainer or admin";
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (repository, role, package) = (part().ok_or(FORM)?, part().ok_or(FORM)?, part());
        role.parse::<Role>().map_err(|()| FORM)?;
        Ok(Self {
            repository: repository.to_owned(),
            role: role.to_owned(),
            package: package.map(str::to_owned),
        })
    }
}

impl Limit {
    fn json(&self) -> Value {
        let package = self.package.as_deref().unwrap_or("*");
        json!({"repository": self.repository, "package": package, "role": self.role})
    }
}

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
            let mut body = json!({"name": name});
            if let Some(expires) = expires {
                body["expires_at"] = Value::String(expires.moment(now).to_string());
            }
            if !grants.is_empty() {
                body["grants"] = grants.iter().map(Limit::json).collect();
            }
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
    let secret = made["secret"]
        .as_str()
        .filter(|secret| secret.bytes().all(|byte| byte.is_ascii_graphic()));
    let strange = || Failure::Strange {
        server: client.server().to_string(),
        what: "a token without secret".to_owned(),
    };
    let secret = secret.ok_or_else(strange)?.to_owned();
    Ok(Outcome {
        json: Some(made),
        view: View::Text(secret),
        note: None,
        failed: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let json = |text: &str| text.parse::<Limit>().expect(text).json();
        assert_eq!(
            json("oci/team:reader"),
            json!({"repository": "oci/team", "package": "*", "role": "reader"})
        );
        assert_eq!(
            json("maven/*:writer:g:a*"),
            json!({"repository": "maven/*", "package": "g:a*", "role": "writer"})
        );
        for bad in [
            "",
            "oci/team",
            "oci/team:",
            ":reader",
            "oci/team:owner",
            "oci/team:Reader",
        ] {
            assert!(bad.parse::<Limit>().is_err(), "{bad}");
        }
    }
}
