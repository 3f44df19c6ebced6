//! Docker's token endpoint: GET (token specification) and `OAuth2` POST.

use crate::endpoint::decode_query;
use crate::reply::json_reply;
use crate::{Registry, scope};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use larder_access::{Admission, Principal};
use larder_door::{Answer, ClientView, FOR_ONE_CALLER, Incoming};
use larder_model::{Kind, Problem};
use serde_json::json;
use std::sync::Arc;

/// A token request's form in bytes.
const FORM_BYTES: usize = 64 * 1024;

impl Registry {
    /// Answers with a bearer token for what the caller may of what it asks. A smaller grant is no
    /// error.
    pub(crate) async fn token(
        &self,
        admission: Admission,
        query: Vec<(String, String)>,
        (request, client): (&Parts, &ClientView),
        body: &mut Incoming,
    ) -> Result<Answer, Problem> {
        // The fields stand in a form (OAuth2) or in the query.
        let fields = if request.method == Method::POST {
            let form = body.collect(FORM_BYTES).await?;
            let text = std::str::from_utf8(&form)
                .map_err(|_| Problem::invalid("form", "the form is not UTF-8"))?;
            decode_query(text)?
        } else {
            query
        };
        let field = |key: &str| {
            fields
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.as_str())
        };
        // Whom the token speaks for: the caller, or whoever the form names.
        let posted = match field("grant_type") {
            Some(grant_type) => Some(self.identify_form(grant_type, &field, client).await?),
            None => None,
        };
        let principal = posted.as_deref();
        let principal = principal.unwrap_or_else(|| admission.principal());
        // What was asked for, as far as it may be had.
        let scopes = fields.iter().filter(|(key, _)| key == "scope");
        let wanted = scope::parse(scopes.map(|(_, text)| &**text));
        let (token, life) = self.gate.issue_bearer(principal, wanted)?;
        let mut reply = json!({
            "token": token,
            "access_token": token,
            "expires_in": life.as_secs(),
            "issued_at": self.metadata.now().to_string(),
        });
        // A token to log in again with, for clients that want one.
        let wants_offline =
            field("offline_token") == Some("true") || field("access_type") == Some("offline");
        if field("grant_type") == Some("refresh_token") {
            reply["refresh_token"] = json!(field("refresh_token"));
        } else if wants_offline {
            // It is kept, so no other site's page may have a browser ask for it, by GET either.
            client.require_own(&request.headers)?;
            let name = field("client_id").unwrap_or("client");
            let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            if let Some(secret) = self
                .gate
                .issue_offline(principal, &name, admission.origin())
                .await?
            {
                reply["refresh_token"] = json!(secret.expose());
            }
        }
        let reply = json_reply(reply.to_string().into_bytes());
        Ok(reply.with(CACHE_CONTROL, FOR_ONE_CALLER).into())
    }

    /// Who an `OAuth2` form speaks for.
    async fn identify_form<'a>(
        &self,
        grant_type: &str,
        field: &impl Fn(&str) -> Option<&'a str>,
        client: &ClientView,
    ) -> Result<Arc<Principal>, Problem> {
        let missing = |()| {
            Problem::invalid(
                "form",
                "the form lacks a user name, a password or a refresh token",
            )
        };
        // The form's credentials are looked at like those of a header.
        let shown = match grant_type {
            "password" => {
                let name = field("username").ok_or(()).map_err(missing)?;
                let password = field("password").ok_or(()).map_err(missing)?;
                format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
            }
            "refresh_token" => format!(
                "Bearer {}",
                field("refresh_token").ok_or(()).map_err(missing)?
            ),
            _ => {
                return Err(Problem::invalid(
                    "form",
                    "grant_type is password or refresh_token here",
                ));
            }
        };
        let mut headers = HeaderMap::new();
        let value = HeaderValue::try_from(shown).map_err(|_| {
            Problem::new(
                Kind::Unauthenticated,
                "credentials",
                "wrong user name, password or token",
            )
        })?;
        headers.insert(AUTHORIZATION, value);
        self.gate.identify(&headers, &client.origin()).await
    }
}
