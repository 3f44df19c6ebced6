//! Accounts: the requests of `npm login`, `logout`, `whoami`, `profile get` and `token`, and their
//! likes in pnpm and yarn.

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

const NO_ADDUSER: &str =
    "wrong user name or password; this server's admin creates users, npm adduser does not";
/// The name of a token that has none.
const UNNAMED: &str = "npm token";
/// Limit on the lifetime of a token in days.
const MAX_DAYS: u64 = 36_500;
/// Limit on the number of packages and scopes of one token.
const MAX_PACKAGES: usize = 100;

/// The body of a login: a document of a user.
#[derive(Deserialize)]
struct UserDocument {
    name: String,
    password: String,
    /// Only `npm adduser` sends it, to create a user.
    email: Option<Value>,
}

/// The body of a request for a token. Limits that this server cannot enforce are refused.
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
        let read: Result<UserDocument, _> = serde_json::from_slice(body);
        let user =
            read.map_err(|_| Problem::invalid("body", "a login has a name and a password"))?;
        if user.name != name {
            return Err(Problem::invalid(
                "body",
                "the user name in the body is not the one in the URL",
            ));
        }
        Ok(Login {
            name: user.name,
            password: user.password,
            refusal: user.email.map(|_| NO_ADDUSER),
        })
    }

    fn read_token_request(&self, body: &[u8]) -> Result<TokenRequest, Problem> {
        let read: Result<NewToken, _> = serde_json::from_slice(body);
        let requested = read.map_err(|_| {
            Problem::invalid("body", "the body is not a request of npm for a token")
        })?;
        if requested
            .cidr_whitelist
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            return Err(Problem::invalid(
                "cidr",
                "tokens cannot be limited to IP addresses here: omit --cidr",
            ));
        }
        if !requested.orgs.is_empty() {
            return Err(Problem::invalid(
                "orgs",
                "there are no organizations here: omit --orgs",
            ));
        }
        let limits = limits(&requested)?;
        let lifetime = requested
            .expires
            .filter(|days| *days > 0)
            .map(|days| Duration::from_hours(days.min(MAX_DAYS) * 24));
        let name = requested
            .name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| UNNAMED.to_owned());
        Ok(TokenRequest {
            name,
            password: requested.password.unwrap_or_default(),
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
                    "name": name,
                    "email": "",
                    "email_verified": false,
                    "tfa": null,
                    "cidr_whitelist": null,
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
        // npm asks again after a second, and stores nothing.
        let reply = if *response == AccountResponse::LoginPending {
            reply.with(RETRY_AFTER, HeaderValue::from(1))
        } else {
            reply
        };
        reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }
}

/// A problem with the limits of a token.
fn bad_limit(detail: String) -> Problem {
    Problem::invalid("permission", detail)
}

/// The packages and the role that a new token is limited to; `None` if it has no limits.
fn limits(requested: &NewToken) -> Result<Option<(Vec<Pattern>, Role)>, Problem> {
    let count = requested.packages.len() + requested.scopes.len();
    if count > MAX_PACKAGES {
        let detail = format!("a token is for at most {MAX_PACKAGES} packages and scopes");
        return Err(bad_limit(detail));
    }
    let role = match requested.packages_and_scopes_permission.as_deref() {
        _ if requested.readonly == Some(true) => Role::Reader,
        Some("read-write") => Role::Maintainer,
        Some("read-only") => Role::Reader,
        Some("no-access") => {
            return Err(bad_limit("a token needs access to packages here".into()));
        }
        Some(other) => {
            let detail = format!("{other:.40} is not a permission: use read-only or read-write");
            return Err(bad_limit(detail));
        }
        None if count > 0 || requested.packages_all == Some(true) => Role::Reader,
        None => return Ok(None),
    };
    Ok(Some((patterns(requested)?, role)))
}

/// The packages and scopes of a new token; all if it names none.
fn patterns(requested: &NewToken) -> Result<Vec<Pattern>, Problem> {
    let scope = |scope: &String| {
        let bare = scope.strip_prefix('@').unwrap_or(scope);
        let is_scope = is_part(bare) && !bare.contains('*');
        let name = is_scope.then(|| format!("@{bare}/*"));
        name.ok_or_else(|| bad_limit(format!("{scope:.100} is not a scope")))
    };
    let package = |name: &String| {
        let name_of_package = (is_name(name) && !name.contains('*')).then(|| name.clone());
        name_of_package
            .ok_or_else(|| bad_limit(format!("{name:.100} is not the name of a package")))
    };
    let packages = requested.packages.iter().map(package);
    let names = packages.chain(requested.scopes.iter().map(scope));
    let pattern = |name: Result<String, Problem>| {
        let detail = "the name of a package or a scope is too long or contains stars";
        name?.parse().map_err(|_| bad_limit(detail.into()))
    };
    let patterns: Vec<Pattern> = names.map(pattern).collect::<Result<_, Problem>>()?;
    if patterns.is_empty() || requested.packages_all == Some(true) {
        let all = "*".parse();
        return Ok(vec![
            all.map_err(|_| Problem::internal("a star is not a pattern"))?,
        ]);
    }
    Ok(patterns)
}

/// A token in the reply.
fn token_entry(token: &Token<'_>) -> Value {
    json!({
        "key": token.id.to_string(),
        // The prefix of its secret. npm distinguishes secrets from keys by it.
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
    let objects: Vec<Value> = tokens.iter().map(token_entry).collect();
    json!({"objects": objects, "total": tokens.len(), "urls": urls})
}

#[cfg(test)]
mod tests;
