//! Tokens: secrets that act for a user, with no more than its rights.

use super::scope;
use crate::answer::{Created, NoContent};
use crate::extract::accounts::{TokenReader, TokenWriter};
use crate::extract::body::JsonBody;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::{IdParams, TokenId};
use crate::extract::rights::Unlimited;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use larder_access::{NewToken, TokenScope};
use larder_api as api;
use larder_metadata::tokens::{Token, TokenFilter};
use larder_model::{Problem, TokenKind};
use std::sync::Arc;

/// Grants of one token.
const GRANTS: usize = 100;

fn to_api(token: &Token, owner: &str) -> Result<api::Token, Problem> {
    let grants = token.grants.as_deref().map(serde_json::from_str);
    let used = !token.last_used_from.is_empty();
    Ok(api::Token {
        id: token.id.to_string(),
        name: token.name.to_string(),
        owner: owner.to_owned(),
        kind: match token.kind {
            TokenKind::Offline => api::TokenKind::Offline,
            TokenKind::Access => api::TokenKind::Access,
        },
        grants: grants.transpose().map_err(Problem::internal)?,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: used.then_some(token.last_used_at),
        last_used_from: used.then(|| token.last_used_from.to_string()),
        secret: None,
    })
}

/// Lists tokens, the oldest first.
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "tokens",
    operation_id = "list_tokens",
    params(
        (
            "owner" = inline(Option<api::texts::Subject>),
            Query,
            description = "Whose, as user:NAME or robot:NAME; without it, the caller's.",
        ),
        (
            "prefix" = Option<String>,
            Query,
            description = "Those whose names begin so.",
        ),
        (
            "expired" = Option<bool>,
            Query,
            description = "Those that have ended, or those that have not.",
        ),
        Page,
    ),
    responses(
        (
            status = 200,
            description = "A page of tokens, without their secrets.",
            body = api::List<api::Token>,
        ),
    ),
    extensions(("x-right" = json!(Right::Oneself)), ("x-codes" = json!(["after_invalid", "expired_invalid"]))),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    tokens: TokenReader,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Token>>, Refusal> {
    let filter = TokenFilter {
        prefix: query.get("prefix").unwrap_or_default(),
        expired: query.choice("expired")?,
    };
    let (after, limit) = (page.after_id()?, page.limit as u64 + 1);
    let caller = tokens.caller.principal();
    let rows = if caller.is_unlimited() {
        let metadata = &state.metadata;
        metadata
            .tokens_of(tokens.owner.id, filter, after, limit)
            .await?
    } else {
        // What was made for less sees itself alone.
        let (own, now) = (state.gate.own_token(caller).await?, state.metadata.now());
        let is_meant = |own: &Token| own.id > after && filter.means(own, now);
        let own = own.filter(|own| own.owner == tokens.owner.id && is_meant(own));
        own.into_iter().collect()
    };
    let to_api = |token: &Token| {
        let mut told = to_api(token, &tokens.owner.subject)?;
        // A use of a moment ago is not written down yet.
        if let Some((at, from)) = state.gate.noted_use(token.id) {
            told.last_used_at = Some(at);
            told.last_used_from = Some(from.to_string());
        }
        Ok(told)
    };
    let tokens = rows.iter().map(to_api).collect::<Result<_, Problem>>()?;
    Ok(Json(api::List::of(
        tokens,
        page.limit,
        |token: &api::Token| token.id.clone(),
    )))
}

/// Makes a token.
///
/// Its secret stands in this answer, and in no other. What is made with a token does not outlive that
/// token.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "tokens",
    operation_id = "create_token",
    params(
        (
            "owner" = inline(Option<api::texts::Subject>),
            Query,
            description = "For whom, as user:NAME or robot:NAME; without it, for the caller.",
        ),
    ),
    request_body = api::NewToken,
    responses((status = 201, description = "The token with its secret.", body = api::Token)),
    extensions(
        ("x-right" = json!(Right::OneselfUnlimited)),
        ("x-codes" = json!(["secret_already_shown"])),
    ),
)]
pub(crate) async fn create(
    TokenWriter { caller, owner, .. }: TokenWriter,
    State(state): State<Arc<ApiState>>,
    JsonBody(new): JsonBody<api::NewToken>,
) -> Result<Created<api::Token>, Refusal> {
    let by = caller.require_unlimited()?;
    let made = state
        .gate
        .make_token(caller.principal(), owner.id, wanted(new)?, &by);
    let (row, secret) = made.await?;
    tracing::info!(
        by = caller.label(),
        owner = owner.subject,
        token = row.id,
        "token created"
    );
    let mut token = to_api(&row, &owner.subject)?;
    token.secret = Some(secret.expose().to_owned());
    let made = Created::new(format_args!("/tokens/{}", row.id), token);
    Ok(made.with_secret_of(row.id))
}

/// Ends a token of the caller's or of a robot for which it answers, or for superusers anyone's.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    tag = "tokens",
    operation_id = "delete_token",
    params(IdParams),
    responses((status = 204, description = "It is gone.")),
    extensions(("x-right" = json!(Right::Unlimited)), ("x-codes" = json!(["token_not_found"]))),
)]
pub(crate) async fn delete(
    TokenId(id): TokenId,
    Unlimited { caller, .. }: Unlimited,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let token = state.gate.end_token(&caller, id).await?;
    tracing::info!(
        by = caller.label(),
        owner = token.owner,
        token = id,
        "token deleted"
    );
    Ok(NoContent)
}

/// What a token is to be.
fn wanted(new: api::NewToken) -> Result<NewToken, Problem> {
    Ok(NewToken {
        kind: match new.kind {
            Some(api::TokenKind::Offline) => TokenKind::Offline,
            Some(api::TokenKind::Access) | None => TokenKind::Access,
        },
        name: new.name,
        expires_at: new.expires_at,
        scopes: new.grants.map(scopes).transpose()?,
    })
}

fn scopes(grants: Vec<api::TokenGrant>) -> Result<Vec<TokenScope>, Problem> {
    if grants.is_empty() || grants.len() > GRANTS {
        let detail = format!(
            "`grants` holds 1 to {GRANTS}; without it the token may all that its owner may"
        );
        return Err(Problem::invalid("grants", detail));
    }
    let scope = |grant: api::TokenGrant| {
        scope::check(&grant.repository, &grant.package)?;
        scope::check_refs(grant.refs.as_ref(), &grant.repository, grant.role)?;
        let scope = TokenScope::of_role(grant.repository, grant.package, grant.role);
        Ok(scope.with_refs(grant.refs))
    };
    grants.into_iter().map(scope).collect()
}

#[cfg(test)]
mod tests;
