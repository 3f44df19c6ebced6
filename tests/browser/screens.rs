//! All screens: one line for each page that a person can come to, on a server that has everything.

use crate::place::Place;
use crate::routes::routes;
use std::collections::BTreeSet;

/// Routes that answer with no page of their own: streams, files, parts of pages, ways elsewhere.
const NO_PAGES: [&str; 6] = [
    "/access",
    "/assets/{name}",
    "/audit/export",
    "/connect/wait/{id}/events",
    "/jobs/{id}/events",
    "/search/suggest",
];

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    /// As the router has it.
    pub(crate) route: &'static str,
    /// The address: path and query.
    pub(crate) path: String,
    /// What its picture is called; empty: there is none.
    pub(crate) picture: &'static str,
}

/// What anyone sees.
const OF_EVERYONE: [(&str, &str, &str); 1] = [("/login", "/login", "login")];

/// What is as it is on every server.
const FIXED: [(&str, &str, &str); 55] = [
    ("/", "/", "dashboard"),
    ("/connect", "/connect", "connect"),
    (
        "/connect/{tool}",
        "/connect/docker?repository=payments",
        "connect-docker",
    ),
    ("/connect/{tool}", "/connect/npm", "connect-npm"),
    ("/connect/{tool}", "/connect/cargo", ""),
    ("/search", "/search?q=ledger", "search"),
    ("/search", "/search", ""),
    ("/search", "/search?q=nothing-of-that-name", ""),
    ("/images", "/images", "images"),
    ("/images/{name}", "/images/payments", "images-repository"),
    ("/images/{name}/{*rest}", "/images/payments/ledger", "image"),
    (
        "/images/{name}/{*rest}",
        "/images/payments/ledger/-/tags/4.2.1",
        "image-tag",
    ),
    (
        "/images/{name}/{*rest}",
        "/images/platform/gateway/-/tags/2.15.0",
        "image-platforms",
    ),
    (
        "/images/{name}/{*rest}",
        "/images/payments/ledger/-/compare?one=4.2.0&two=4.2.1",
        "image-compare",
    ),
    (
        "/images/{name}/{*rest}",
        "/images/storefront/web/-/delete?version=119",
        "image-delete",
    ),
    ("/packages", "/packages", "packages"),
    ("/packages/{protocol}", "/packages/npm", ""),
    (
        "/packages/{protocol}/{name}",
        "/packages/npm/local",
        "packages-repository",
    ),
    (
        "/packages/{protocol}/{name}/{*rest}",
        "/packages/npm/local/@storefront/checkout",
        "package",
    ),
    (
        "/packages/{protocol}/{name}/{*rest}",
        "/packages/cargo/local/ledger-core",
        "",
    ),
    (
        "/packages/{protocol}/{name}/{*rest}",
        "/packages/npm/upstream/zod",
        "package-mirrored",
    ),
    (
        "/packages/{protocol}/{name}/{*rest}",
        "/packages/pypi/local/fraud-features/-/v/2026.11.0",
        "package-version",
    ),
    ("/audit", "/audit", "audit"),
    ("/audit", "/audit?check=1", ""),
    ("/system", "/system", "system"),
    ("/system/config", "/system/config", "system-config"),
    ("/system/storage", "/system/storage", "system-storage"),
    ("/jobs", "/jobs", "jobs"),
    ("/upstreams", "/upstreams", "upstreams"),
    (
        "/upstreams/{protocol}/{name}",
        "/upstreams/npm/upstream",
        "upstream",
    ),
    (
        "/upstreams/{protocol}/{name}",
        "/upstreams/pypi/upstream",
        "upstream-failing",
    ),
    (
        "/upstreams/{protocol}/{name}/check",
        "/upstreams/npm/upstream/check",
        "",
    ),
    ("/policies", "/policies", "policies"),
    ("/policies/quotas", "/policies/quotas", "policies-quotas"),
    (
        "/policies/immutability",
        "/policies/immutability",
        "policies-immutability",
    ),
    ("/policies/blocks", "/policies/blocks", "policies-blocks"),
    (
        "/policies/retention/{protocol}/{name}",
        "/policies/retention/oci/platform",
        "retention",
    ),
    ("/cleanup", "/cleanup", "cleanup"),
    ("/cleanup/trash", "/cleanup/trash", "cleanup-trash"),
    ("/cleanup/scrub", "/cleanup/scrub", "cleanup-scrub"),
    ("/cleanup/backups", "/cleanup/backups", "cleanup-backups"),
    ("/me/appearance", "/me/appearance", "me-appearance"),
    ("/me/profile", "/me/profile", "me-profile"),
    ("/me/tokens", "/me/tokens", "me-tokens"),
    ("/me/sessions", "/me/sessions", "me-sessions"),
    ("/access/users", "/access/users", "access-users"),
    ("/access/users/{name}", "/access/users/priya", "access-user"),
    (
        "/access/users/{name}/delete",
        "/access/users/tomas/delete",
        "access-user-delete",
    ),
    ("/access/groups", "/access/groups", "access-groups"),
    (
        "/access/groups/{name}",
        "/access/groups/payments-team",
        "access-group",
    ),
    (
        "/access/groups/{name}/delete",
        "/access/groups/payments-team/delete",
        "",
    ),
    ("/access/robots", "/access/robots", "access-robots"),
    (
        "/access/robots/{name}",
        "/access/robots/ci-payments",
        "access-robot",
    ),
    (
        "/access/robots/{name}/delete",
        "/access/robots/ci-payments/delete",
        "",
    ),
    ("/access/grants", "/access/grants", "access-grants"),
];

/// The same, as far as they ask something.
const ASKING: [(&str, &str, &str); 2] = [
    (
        "/access/grants",
        "/access/grants?view=list",
        "access-grants-list",
    ),
    (
        "/access/can",
        "/access/can?subject=user:priya&repository=oci/payments&action=delete",
        "access-can",
    ),
];

fn screen((route, path, picture): (&'static str, &str, &'static str)) -> Screen {
    Screen {
        route,
        path: path.to_owned(),
        picture,
    }
}

/// What whoever is signed out sees.
pub(crate) fn of_everyone() -> Vec<Screen> {
    OF_EVERYONE.map(screen).to_vec()
}

/// What a superuser sees, whoever else may.
pub(crate) fn of_superuser(place: &Place) -> Vec<Screen> {
    let hex = place.digest.replace("sha256:", "");
    let own = [
        (
            "/images/{name}/{*rest}",
            format!("/images/payments/ledger/-/digest/sha256/{hex}"),
            "",
        ),
        ("/jobs/{id}", format!("/jobs/{}", place.job), "job"),
        (
            "/connect/wait/{id}",
            format!("/connect/wait/{}", place.token),
            "connect-wait",
        ),
        (
            "/cleanup/trash/{protocol}/{name}/{id}/delete",
            format!("/cleanup/trash/oci/storefront/{}/delete", place.trash),
            "",
        ),
        (
            "/cleanup/scrub/{digest}/delete",
            format!("/cleanup/scrub/{}/delete", place.damaged),
            "",
        ),
        (
            "/cleanup/backups/{name}/delete",
            format!("/cleanup/backups/{}/delete", place.backup),
            "",
        ),
        (
            "/me/tokens/{id}/delete",
            format!("/me/tokens/{}/delete", place.token),
            "",
        ),
        (
            "/access/grants/{id}/delete",
            format!("/access/grants/{}/delete", place.grant),
            "",
        ),
    ];
    let own = own
        .iter()
        .map(|(route, path, picture)| screen((*route, path, *picture)));
    FIXED
        .into_iter()
        .chain(ASKING)
        .map(screen)
        .chain(own)
        .collect()
}

#[test]
fn every_page_of_the_router_is_a_screen() {
    let listed = FIXED
        .iter()
        .chain(&ASKING)
        .chain(&OF_EVERYONE)
        .map(|line| line.0);
    let of_place = [
        "/jobs/{id}",
        "/connect/wait/{id}",
        "/cleanup/trash/{protocol}/{name}/{id}/delete",
        "/cleanup/scrub/{digest}/delete",
        "/cleanup/backups/{name}/delete",
        "/me/tokens/{id}/delete",
        "/access/grants/{id}/delete",
    ];
    let known: BTreeSet<&str> = listed.chain(of_place).chain(NO_PAGES).collect();
    let routes = routes();
    let pages: BTreeSet<&str> = routes
        .iter()
        .filter(|route| route.gets)
        .map(|route| &*route.path)
        .collect();
    assert_eq!(
        pages, known,
        "the router's pages, and those that are looked at"
    );
}
