//! Published names that are gone and stay taken, until a superuser frees them.

use crate::answer::NoContent;
use crate::extract::head::KnownQuery;
use crate::extract::page::Page;
use crate::extract::path::ReservationId;
use crate::extract::rights::Superuser;
use crate::problem::Refusal;
use crate::right::Right;
use crate::state::ApiState;
use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_api as api;
use larder_metadata::reservations::{Reservation, ReservationKey};
use larder_metadata::{Error, Requirement};
use larder_model::{Problem, RepoPath};
use std::sync::Arc;

/// Reservations looked at in one go.
const ROWS: u64 = 1000;

/// The id that stands for a reservation.
fn id_of(key: &ReservationKey) -> String {
    let parts = [&key.protocol, &key.repository, &key.package, &key.version];
    URL_SAFE_NO_PAD.encode(parts.map(|part| &**part).join("\0"))
}

/// The reservation that an id stands for, if it is one.
fn key_of(id: &str) -> Option<ReservationKey> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).ok()?).ok()?;
    let mut parts = text.split('\0').map(Into::into);
    let key = ReservationKey {
        protocol: parts.next()?,
        repository: parts.next()?,
        package: parts.next()?,
        version: parts.next()?,
    };
    parts.next().is_none().then_some(key)
}

fn no_reservation() -> Problem {
    Problem::not_found("reservation", "no such reservation")
}

fn to_api(row: Reservation) -> api::Reservation {
    api::Reservation {
        id: id_of(&row.key()),
        repository: RepoPath {
            protocol: row.protocol,
            name: row.repository,
        },
        package: row.package.into(),
        version: Some(row.version.into()).filter(|version: &String| !version.is_empty()),
        reserved_at: row.reserved_at,
        reserved_by: row.reserved_by.into(),
    }
}

/// Lists reserved names, by repository, package and version.
#[utoipa::path(
    get,
    path = "/reservations",
    tag = "reservations",
    operation_id = "list_reservations",
    params(
        (
            "repository" = inline(Option<api::texts::RepoPath>),
            Query,
            description = "Where they were published; without it, anywhere.",
        ),
        Page,
    ),
    responses(
        (status = 200, description = "A page of reserved names.", body = api::List<api::Reservation>),
    ),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["after_invalid", "repository_invalid"])),
    ),
)]
pub(crate) async fn list(
    page: Page,
    KnownQuery(query): KnownQuery,
    _: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<api::Reservation>>, Refusal> {
    let wrong = |_| Problem::invalid("repository", "repository is protocol/name, e.g. npm/main");
    let of: Option<RepoPath> = query
        .get("repository")
        .map(str::parse)
        .transpose()
        .map_err(wrong)?;
    let after = match &*page.after {
        "" => ReservationKey::default(),
        id => key_of(id)
            .ok_or_else(|| Problem::invalid("after", "after is the `next` of the page before"))?,
    };
    let of = of.as_ref().map(|path| (path.protocol, &path.name));
    let rows = state
        .metadata
        .reservations(&after, of, page.limit as u64 + 1)
        .await?;
    let reservations = rows.into_iter().map(to_api).collect();
    let key = |reservation: &api::Reservation| reservation.id.clone();
    Ok(Json(api::List::of(reservations, page.limit, key)))
}

/// Frees a name: from then on it can be published, and taken from mirrors of groups.
#[utoipa::path(
    delete,
    path = "/reservations/{id}",
    tag = "reservations",
    operation_id = "delete_reservation",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is free.")),
    extensions(
        ("x-right" = json!(Right::Superuser)),
        ("x-codes" = json!(["reservation_not_found"])),
    ),
)]
pub(crate) async fn delete(
    ReservationId(id): ReservationId,
    Superuser { caller, .. }: Superuser,
    State(state): State<Arc<ApiState>>,
) -> Result<NoContent, Refusal> {
    let key = key_of(&id).ok_or_else(no_reservation)?;
    let found = find(&state, &key).await?.ok_or_else(no_reservation)?;
    state
        .metadata
        .free(&found, &caller.require_superuser()?)
        .await
        .map_err(|error| match error {
            Error::Unmet(Requirement::Reservation) => no_reservation(), // someone else was first
            error => error.into(),
        })?;
    state.gate.refresh().await?;
    tracing::info!(
        by = caller.label(), protocol = %found.protocol, repository = %found.repository,
        package = %found.package, version = %found.version, "reserved name freed"
    );
    Ok(NoContent)
}

async fn find(state: &ApiState, key: &ReservationKey) -> Result<Option<Reservation>, Problem> {
    let of = RepoPath::of(&key.protocol, &key.repository).ok_or_else(no_reservation)?;
    let mut after = ReservationKey::default();
    loop {
        let rows = state
            .metadata
            .reservations(&after, Some((of.protocol, &of.name)), ROWS)
            .await?;
        let Some(last) = rows.last() else {
            return Ok(None);
        };
        after = last.key();
        if let Some(found) = rows.into_iter().find(|row| row.key() == *key) {
            return Ok(Some(found));
        }
    }
}

#[cfg(test)]
mod tests;
