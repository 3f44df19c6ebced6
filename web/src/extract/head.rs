//! What the door, or a layer of the router, has put into a request.

use crate::caller::Caller;
use crate::problem::Refusal;
use crate::query::Query;
use axum::extract::FromRequestParts;
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

/// The address under which the caller sees this server: `https://host[:port]`.
pub(crate) struct Origin(pub(crate) Box<str>);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        of_request::<ClientView>(parts).map(|client| Self(client.base))
    }
}
