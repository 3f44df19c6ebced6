//! What the door, or a layer of the router, has put into a request.

use crate::caller::Caller;
use crate::problem::Refusal;
use crate::query::Query;
use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;
use larder_door::ClientView;
use larder_model::Problem;
use std::sync::Arc;

fn of_request<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, Refusal> {
    let missing = || Refusal(Problem::internal(std::any::type_name::<T>()));
    parts.extensions.get::<T>().cloned().ok_or_else(missing)
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        of_request(parts)
    }
}

/// The query of a request, which holds no parameter that the call does not know.
#[derive(Clone)]
pub(crate) struct KnownQuery(pub(crate) Arc<Query>);

impl<S: Sync> FromRequestParts<S> for KnownQuery {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        of_request(parts)
    }
}

/// Where the caller is, and where it sees this server.
pub(crate) struct Client(pub(crate) ClientView);

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        of_request(parts).map(Self)
    }
}

/// What the client calls itself; empty: nothing that is text.
pub(crate) struct Agent(pub(crate) String);

impl<S: Sync> FromRequestParts<S> for Agent {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let agent = parts.headers.get(USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok());
        Ok(Self(agent.unwrap_or_default().to_owned()))
    }
}

/// The address under which the caller sees this server: `https://host[:port]`.
pub(crate) struct Origin(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        of_request::<ClientView>(parts).map(|client| Self(client.base))
    }
}
