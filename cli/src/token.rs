//! `larder token`.

use crate::arguments::{filters, flag, token_grant};
use crate::client::Client;
use crate::context::Context;
use crate::expiry::Expiry;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::{ArgAction, Subcommand};
use larder_api::{NewToken, TokenGrant};
use serde_json::Value;

/// What can be done to tokens.
#[derive(Subcommand, Debug)]
pub enum Token {
    /// List tokens.
    List {
        /// Those of a robot for which you answer (robot:NAME), or for superusers anyone's.
        #[arg(long, value_name = "OWNER")]
        owner: Option<String>,
        /// Those whose names begin so.
        #[arg(long)]
        prefix: Option<String>,
        /// Those that have ended, or those that have not.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        expired: Option<bool>,
    },
    /// Make a token; its secret is shown this once, and with --quiet it alone.
    Create {
        /// What you call it.
        name: String,
        /// When it ends: after a time (12h, 30d, 52w) or at a date (2030-01-31) [default: never].
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
        /// Limit it: REPOSITORY:ROLE or REPOSITORY:ROLE:PACKAGE, with * in patterns; can be given
        /// more than once [default: all that its owner may].
        #[arg(long = "grant", value_name = "LIMIT", value_parser = token_grant)]
        grants: Vec<TokenGrant>,
        /// For a robot for which you answer (robot:NAME), or for superusers for anyone.
        #[arg(long, value_name = "OWNER")]
        owner: Option<String>,
    },
    /// End a token.
    Delete {
        /// The token's id, as the list shows it.
        id: u64,
    },
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("NAME", "name"),
        ("OWNER", "owner"),
        ("KIND", "kind"),
        ("LIMITS", "grants"),
        ("CREATED", "created_at"),
        ("EXPIRES", "expires_at"),
        ("LAST USED", "last_used_at"),
        ("FROM", "last_used_from"),
    ],
    &["id"],
);
const CREATED: Table = Table::new(
    &[
        ("Id", "id"),
        ("Name", "name"),
        ("Owner", "owner"),
        ("Limits", "grants"),
        ("Expires", "expires_at"),
        ("Secret", "secret"),
    ],
    &["id"],
);

pub(crate) async fn token(command: Token, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let now = cx.env.clock.now();
    match command {
        Token::List {
            owner,
            prefix,
            expired,
        } => {
            let filters = filters([
                ("owner", owner.as_deref()),
                ("prefix", prefix.as_deref()),
                ("expired", expired.map(flag)),
            ]);
            Ok(Outcome::list(
                client.all(&["tokens"], &filters).await?,
                &LIST,
            ))
        }
        Token::Create {
            name,
            expires,
            grants,
            owner,
        } => {
            let body = NewToken {
                kind: None,
                name,
                expires_at: expires.map(|expires| expires.moment(now)),
                grants: Some(grants).filter(|grants| !grants.is_empty()),
            };
            let made = client
                .post(&["tokens"], &of(owner.as_deref()), &body)
                .await?;
            created(made, cx.global.quiet, client)
        }
        Token::Delete { id } => {
            cx.confirm(&format!("End token {id}?"))?;
            client.delete(&["tokens", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Token {id} ended.")))
        }
    }
}

fn of(owner: Option<&str>) -> Vec<(&str, &str)> {
    owner.map(|owner| ("owner", owner)).into_iter().collect()
}

fn created(made: Value, quiet: bool, client: &Client) -> Result<Outcome, Failure> {
    if !quiet {
        let limits = made["grants"].is_null().then(|| {
            let owner = made["owner"].as_str().unwrap_or("its owner");
            let or_a_robot = if owner.starts_with("robot:") {
                ""
            } else {
                ", or make it for a robot with --owner robot:NAME"
            };
            format!("it may all that {owner} may: limit it with --grant{or_a_robot}")
        });
        let outcome = Outcome::record(made, &CREATED).noting("the secret is shown only now");
        return Ok(limits.into_iter().fold(outcome, Outcome::noting));
    }
    let secret = client.made_token(&made)?.secret;
    Ok(Outcome::text(Some(made), secret))
}
