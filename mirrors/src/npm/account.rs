//! Accounts, as npm, pnpm and yarn ask about them: `npm login`, `logout`, `whoami`, `profile get`,
//! `token`.

use super::names::{is_name, is_part};
use super::routes::USER;
use crate::RepoUrl;
use crate::account::{AccountResponse, Accounts, Login, Token, TokenRequest};
use crate::json;
use crate::text::{JSON, segment};
use http::header::{CACHE_CONTROL, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use larder_model::{Pattern, Problem, Reply, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The noun of a problem that is told without a challenge: npm shows either the one or the other.
pub(super) const ADDUSER: &str = "user";
const NO_ADDUSER: &str =
    "wrong user name or password; new users are made by this server's admin, not by npm adduser";
/// The name of a token that has none.
const UNNAMED: &str = "npm token";
/// Days that a token can be made for.
const MAX_DAYS: u64 = 36_500;
/// Packages and scopes of one token.
const MAX_PACKAGES: usize = 100;

/// The body of a login.
#[derive(Deserialize)]
struct Couch {
    name: String,
    password: String,
    /// Sent with a name that is to be new.
    email: Option<Value>,
}

/// The body that asks for a token. What this server has no word for is refused, not forgotten.
#[derive(Deserialize)]
struct NewToken {
    name: Option<String>,
    password: Option<String>,
    readonly: Option<bool>,
    expires: Option<u64>,
    #[serde(default)]
    packages: Vec<String>,
    packages_all: Option<bool>,
    #[serde(default)]
    scopes: Vec<String>,
    packages_and_scopes_permission: Option<String>,
    #[serde(default)]
    orgs: Vec<String>,
    cidr_whitelist: Option<Vec<String>>,
}

/// Accounts of users.
pub(super) struct UserAccounts;

impl Accounts for UserAccounts {
    fn read_login(&self, name: &str, body: &[u8]) -> Result<Login, Problem> {
        let read: Result<Couch, _> = serde_json::from_slice(body);
        let couch =
            read.map_err(|_| Problem::invalid("body", "a login has a name and a password"))?;
        if couch.name != name {
            return Err(Problem::invalid(
                "body",
                "the login is for another name than its address",
            ));
        }
        Ok(Login {
            name: couch.name,
            password: couch.password,
            refusal: couch.email.map(|_| NO_ADDUSER),
        })
    }

    fn read_token_request(&self, body: &[u8]) -> Result<TokenRequest, Problem> {
        let read: Result<NewToken, _> = serde_json::from_slice(body);
        let asked = read.map_err(|_| {
            Problem::invalid("body", "the body is not what npm asks for a token with")
        })?;
        if asked
            .cidr_whitelist
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            return Err(Problem::invalid(
                "cidr",
                "tokens here are not bound to addresses: leave out --cidr",
            ));
        }
        if !asked.orgs.is_empty() {
            return Err(Problem::invalid(
                "orgs",
                "there are no organizations here: leave out --orgs",
            ));
        }
        let limits = limits(&asked)?;
        let lifetime = asked
            .expires
            .filter(|days| *days > 0)
            .map(|days| Duration::from_hours(days.min(MAX_DAYS) * 24));
        let name = asked
            .name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| UNNAMED.to_owned());
        Ok(TokenRequest {
            name,
            password: asked.password.unwrap_or_default(),
            lifetime,
            limits,
        })
    }

    fn reply(&self, response: &AccountResponse<'_>, repo_url: &RepoUrl<'_>) -> Reply {
        let (status, body) = match *response {
            AccountResponse::Name(name) => (StatusCode::OK, json!({"username": name})),
            AccountResponse::Profile(name, created_at) => (
                StatusCode::OK,
                json!({
                    "name": name, "email": "", "email_verified": false, "tfa": null, "cidr_whitelist": null,
                    "created": created_at.to_string(),
                }),
            ),
            AccountResponse::Tokens(tokens, more) => {
                (StatusCode::OK, token_list(tokens, more, repo_url))
            }
            AccountResponse::NewToken(token, secret) => {
                let mut body = token_entry(token);
                body["token"] = secret.into();
                (StatusCode::CREATED, body)
            }
            AccountResponse::Revocation => (StatusCode::OK, json!({"ok": true})),
            AccountResponse::Login(name, secret) => (
                StatusCode::CREATED,
                json!({"ok": true, "id": format!("{USER}{name}"), "rev": "1-0", "token": secret}),
            ),
            AccountResponse::LoginPage { page, ask, key } => {
                let done = format!(
                    "{}/-/v1/done?ask={}&key={}",
                    repo_url.base(),
                    segment(ask),
                    segment(key)
                );
                (StatusCode::OK, json!({"loginUrl": page, "doneUrl": done}))
            }
            AccountResponse::LoginPending => (StatusCode::ACCEPTED, json!({})),
            AccountResponse::LoginSecret(secret) => (StatusCode::OK, json!({"token": secret})),
        };
        let reply = Reply::new(status).with_body(JSON, json::bytes(&body));
        let reply = if *response == AccountResponse::LoginPending {
            reply.with(RETRY_AFTER, HeaderValue::from(1))
        } else {
            reply
        };
        reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }
}

/// What a token is limited to.
fn limits(asked: &NewToken) -> Result<Option<(Vec<Pattern>, Role)>, Problem> {
    let wrong = |detail: String| Problem::invalid("permission", detail);
    let permission = asked.packages_and_scopes_permission.as_deref();
    let count = asked.packages.len() + asked.scopes.len();
    if count > MAX_PACKAGES {
        return Err(wrong(format!(
            "a token is for at most {MAX_PACKAGES} packages and scopes"
        )));
    }
    let role = match permission {
        _ if asked.readonly == Some(true) => Role::Reader,
        Some("read-write") => Role::Maintainer,
        Some("read-only") => Role::Reader,
        Some("no-access") => {
            return Err(wrong(
                "a token without access to packages is good for nothing here".into(),
            ));
        }
        Some(other) => {
            return Err(wrong(format!(
                "{other:.40} is no permission: use read-only or read-write"
            )));
        }
        None if count > 0 || asked.packages_all == Some(true) => Role::Reader,
        None => return Ok(None),
    };
    let scope = |scope: &String| {
        let bare = scope.strip_prefix('@').unwrap_or(scope);
        let fine = is_part(bare) && !bare.contains('*');
        fine.then(|| format!("@{bare}/*"))
            .ok_or_else(|| wrong(format!("{scope:.100} is no scope")))
    };
    let package = |name: &String| {
        let fine = (is_name(name) && !name.contains('*')).then(|| name.clone());
        fine.ok_or_else(|| wrong(format!("{name:.100} is no name of a package")))
    };
    let names = asked
        .packages
        .iter()
        .map(package)
        .chain(asked.scopes.iter().map(scope));
    let pattern = |name: Result<String, Problem>| {
        name?
            .parse()
            .map_err(|_| wrong("a name of a package or a scope is too long or has stars".into()))
    };
    let mut patterns = names
        .map(pattern)
        .collect::<Result<Vec<Pattern>, Problem>>()?;
    if patterns.is_empty() || asked.packages_all == Some(true) {
        patterns = vec![
            "*".parse()
                .map_err(|_| Problem::internal("a star is no pattern"))?,
        ];
    }
    Ok(Some((patterns, role)))
}

fn token_entry(token: &Token<'_>) -> Value {
    json!({
        "key": token.id.to_string(),
        // The beginning of its secret, by which npm knows a secret from a key.
        "token": "lrd_",
        "name": token.name,
        "created": token.created_at.to_string(),
        "updated": token.created_at.to_string(),
        "expires": token.expires_at.map(|end| end.to_string()),
        "readonly": token.read_only,
        "cidr_whitelist": null,
    })
}

fn token_list(tokens: &[Token<'_>], more: bool, repo_url: &RepoUrl<'_>) -> Value {
    let last = tokens.last().filter(|_| more);
    let next = last.map(|token| format!("{}/-/npm/v1/tokens?after={}", repo_url.base(), token.id));
    let urls = next.map_or_else(|| json!({}), |next| json!({"next": next}));
    json!({"objects": tokens.iter().map(token_entry).collect::<Vec<_>>(), "total": tokens.len(), "urls": urls})
}

#[cfg(test)]
mod tests;
