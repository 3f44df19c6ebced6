//! Tokens: secrets that act for a user, with no more than its rights.

use crate::Api;
use crate::endpoint::no_user;
use crate::fields::{Fields, needed};
use crate::page::{List, Page};
use crate::reply::{created, gone, ok};
use crate::scope::Scope;
use larder_access::{Admission, NewToken, TokenScope};
use larder_metadata::people::Token;
use larder_model::{Problem, Reply, Timestamp, UserName};
use serde::Serialize;
use serde_json::value::RawValue;

/// Grants of one token.
const GRANTS: usize = 100;

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    name: &'a str,
    /// `access`: made here; `offline`: made by a client's login.
    kind: &'a str,
    /// What it is limited to; `null`: all that its owner may.
    grants: Option<&'a RawValue>,
    created_at: String,
    expires_at: Option<String>,
    /// Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(token: &'a Token) -> Result<Self, Problem> {
        let grants = token
            .grants
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(Problem::internal)?;
        Ok(Self {
            id: token.id.to_string(),
            name: &token.name,
            kind: token.kind.word(),
            grants,
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|end| end.to_string()),
            secret: None,
        })
    }
}

impl Api {
    pub(crate) async fn list_tokens(
        &self,
        admission: &Admission,
        owner: Option<&UserName>,
        page: &Page,
    ) -> Result<Reply, Problem> {
        let owner = self.owner(admission, owner)?;
        let tokens = self
            .metadata
            .tokens_of(owner, page.after_id()?, page.limit as u64 + 1)
            .await?;
        let shown = tokens.iter().map(Shown::of).collect::<Result<_, _>>()?;
        ok(&List::of(shown, page.limit, |token| token.id.clone()))
    }

    pub(crate) async fn create_token(
        &self,
        admission: &Admission,
        owner: Option<&UserName>,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let owner = self.owner(admission, owner)?;
        let wanted = wanted(body)?;
        let (token, secret) = self.gate.make_token(owner, wanted).await?;
        tracing::info!(by = %admission.principal().label, owner, token = token.id, "token created");
        let shown = Shown {
            secret: Some(secret.expose()),
            ..Shown::of(&token)?
        };
        created(format_args!("/tokens/{}", token.id), &shown)
    }

    pub(crate) async fn delete_token(
        &self,
        admission: &Admission,
        id: i64,
    ) -> Result<Reply, Problem> {
        let token = self.gate.end_token(admission.principal(), id).await?;
        tracing::info!(by = %admission.principal().label, owner = token.owner, token = id, "token deleted");
        Ok(gone())
    }

    /// Whose tokens are meant: `require` has seen to it that only superusers mean others'.
    fn owner(&self, admission: &Admission, owner: Option<&UserName>) -> Result<i64, Problem> {
        match owner {
            Some(name) => Ok(self.user(name)?.id),
            None => admission.principal().user.ok_or_else(no_user),
        }
    }
}

/// What a token is to be.
fn wanted(body: &[u8]) -> Result<NewToken, Problem> {
    let mut fields = Fields::read(body)?;
    let name = needed(fields.text("name")?, "name")?;
    let expires_at: Option<Timestamp> = fields.parsed("expires_at")?;
    let grants: Option<Vec<Fields>> = fields.take(
        "grants",
        r#"a list of {"repository":…,"package":…,"role":…}, each field once"#,
    )?;
    fields.finish()?;
    Ok(NewToken {
        name,
        expires_at,
        scopes: grants.map(scopes).transpose()?,
    })
}

fn scopes(grants: Vec<Fields>) -> Result<Vec<TokenScope>, Problem> {
    if grants.is_empty() || grants.len() > GRANTS {
        let detail = format!(
            "`grants` holds 1 to {GRANTS}; without it the token may all that its owner may"
        );
        return Err(Problem::invalid("grants", detail));
    }
    let limit = |mut fields: Fields| {
        let Scope {
            repository,
            package,
            role,
        } = Scope::take(&mut fields)?;
        fields.finish()?;
        Ok(TokenScope::of_role(repository, package, role))
    };
    grants.into_iter().map(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_access::scopes_to_json;

    #[test]
    fn what_a_token_may_be() {
        let now = "2030-01-01T00:00:00Z".parse().expect("time");
        let read = |body: &str| {
            wanted(body.as_bytes()).and_then(|wanted| wanted.check(now).map(|()| wanted))
        };
        let wanted = read(
            r#"{"name":"ci","expires_at":"2030-01-31T00:00:00Z","grants":[{"repository":"oci/a","role":"writer"}]}"#,
        );
        let wanted = wanted.unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(
            scopes_to_json(&wanted.scopes.expect("scopes")),
            r#"[{"repository":"oci/a","package":"*","role":"writer"}]"#
        );
        for (body, about) in [
            ("{}", "name"),
            (r#"{"name":""}"#, "name"),
            (
                r#"{"name":"a","expires_at":"2029-12-31T00:00:00Z"}"#,
                "expires_at",
            ),
            (r#"{"name":"a","expires_at":"30d"}"#, "expires_at"),
            (r#"{"name":"a","grants":[]}"#, "grants"),
            (r#"{"name":"a","grants":{}}"#, "grants"),
            (
                r#"{"name":"a","grants":[{"repository":"oci/a","role":"writer","x":1}]}"#,
                "body",
            ),
            (
                r#"{"name":"a","grants":[{"repository":"team","role":"writer"}]}"#,
                "repository",
            ),
        ] {
            assert_eq!(
                read(body).err().map(|problem| problem.about),
                Some(about),
                "{body}"
            );
        }
    }
}
