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

/// Where one signs in.
const LOGIN: &str = "/login";

/// As the router has it; the address, with names of what the server has in braces; what its picture is
/// called, if there is one.
#[rustfmt::skip]
const SCREENS: [(&str, &str, &str); 79] = [
    ("/", "/", "dashboard"),
    ("/login", "/login", "login"),
    ("/setup", "/setup", "setup"),
    ("/repositories/new", "/repositories/new", ""),
    ("/repositories/new", "/repositories/new?kind=mirror", "repository-new"),
    ("/repositories/{protocol}/{name}", "/repositories/npm/upstream", "repository"),
    ("/repositories/{protocol}/{name}/delete", "/repositories/oci/storefront/delete", ""),
    ("/{protocol}", "/v2", ""),
    ("/{protocol}/", "/npm/", ""),
    ("/{protocol}/{name}", "/npm/main", ""),
    ("/{protocol}/{name}/", "/npm/main/", "address"),
    ("/denied", "/denied", "denied"),
    ("/why/{id}", "/why/{why}", "why"),
    ("/system/licences", "/system/licences", ""),
    ("/connect", "/connect", "connect"),
    ("/connect/{tool}", "/connect/docker?repository=payments", "connect-docker"),
    ("/connect/{tool}", "/connect/npm", "connect-npm"),
    ("/connect/{tool}", "/connect/cargo", ""),
    ("/connect/wait/{id}", "/connect/wait/{token}", "connect-wait"),
    ("/search", "/search?q=ledger", "search"),
    ("/search", "/search", ""),
    ("/search", "/search?q=nothing-of-that-name", ""),
    ("/images", "/images", "images"),
    ("/images/{name}", "/images/payments", "images-repository"),
    ("/images/{name}/{*rest}", "/images/payments/ledger", "image"),
    ("/images/{name}/{*rest}", "/images/payments/ledger/-/tags/4.2.1", "image-tag"),
    ("/images/{name}/{*rest}", "/images/payments/ledger/-/digest/sha256/{digest}", ""),
    ("/images/{name}/{*rest}", "/images/platform/gateway/-/tags/2.15.0", "image-platforms"),
    ("/images/{name}/{*rest}", "/images/payments/ledger/-/compare?one=4.2.0&two=4.2.1", "image-compare"),
    ("/images/{name}/{*rest}", "/images/storefront/web/-/delete?version=119", "image-delete"),
    ("/packages", "/packages", "packages"),
    ("/packages/{protocol}", "/packages/npm", ""),
    ("/packages/{protocol}/{name}", "/packages/npm/local", "packages-repository"),
    ("/packages/{protocol}/{name}/{*rest}", "/packages/npm/local/@storefront/checkout", "package"),
    ("/packages/{protocol}/{name}/{*rest}", "/packages/npm/local/@storefront/checkout?tab=readme", "package-readme"),
    ("/packages/{protocol}/{name}/{*rest}", "/packages/cargo/local/ledger-core", ""),
    ("/packages/{protocol}/{name}/{*rest}", "/packages/npm/upstream/zod", "package-mirrored"),
    ("/packages/{protocol}/{name}/{*rest}", "/packages/pypi/local/fraud-features/-/v/2026.11.0", "package-version"),
    ("/upstreams", "/upstreams", "upstreams"),
    ("/upstreams/{protocol}/{name}", "/upstreams/npm/upstream", "upstream"),
    ("/upstreams/{protocol}/{name}", "/upstreams/pypi/upstream", "upstream-failing"),
    ("/upstreams/{protocol}/{name}/check", "/upstreams/npm/upstream/check", ""),
    ("/policies", "/policies", "policies"),
    ("/policies/quotas", "/policies/quotas", "policies-quotas"),
    ("/policies/immutability", "/policies/immutability", "policies-immutability"),
    ("/policies/blocks", "/policies/blocks", "policies-blocks"),
    ("/policies/retention/{protocol}/{name}", "/policies/retention/oci/platform", "retention"),
    ("/cleanup", "/cleanup", "cleanup"),
    ("/cleanup/trash", "/cleanup/trash", "cleanup-trash"),
    ("/cleanup/trash/{protocol}/{name}/{id}/delete", "/cleanup/trash/oci/storefront/{trash}/delete", ""),
    ("/cleanup/scrub", "/cleanup/scrub", "cleanup-scrub"),
    ("/cleanup/scrub/{digest}/delete", "/cleanup/scrub/{damaged}/delete", ""),
    ("/cleanup/backups", "/cleanup/backups", "cleanup-backups"),
    ("/cleanup/backups/{name}/delete", "/cleanup/backups/{backup}/delete", ""),
    ("/access/users", "/access/users", "access-users"),
    ("/access/users/{name}", "/access/users/priya", "access-user"),
    ("/access/users/{name}/delete", "/access/users/tomas/delete", "access-user-delete"),
    ("/access/groups", "/access/groups", "access-groups"),
    ("/access/groups/{name}", "/access/groups/payments-team", "access-group"),
    ("/access/groups/{name}/delete", "/access/groups/payments-team/delete", ""),
    ("/access/robots", "/access/robots", "access-robots"),
    ("/access/robots/{name}", "/access/robots/ci-payments", "access-robot"),
    ("/access/robots/{name}/delete", "/access/robots/ci-payments/delete", ""),
    ("/access/grants", "/access/grants", "access-grants"),
    ("/access/grants", "/access/grants?view=list", "access-grants-list"),
    ("/access/grants/{id}/delete", "/access/grants/{grant}/delete", ""),
    ("/access/can", "/access/can?subject=user:priya&repository=oci/payments&action=delete", "access-can"),
    ("/audit", "/audit", "audit"),
    ("/audit", "/audit?check=1", ""),
    ("/jobs", "/jobs", "jobs"),
    ("/jobs/{id}", "/jobs/{job}", "job"),
    ("/system", "/system", "system"),
    ("/system/config", "/system/config", "system-config"),
    ("/system/storage", "/system/storage", "system-storage"),
    ("/me/appearance", "/me/appearance", "me-appearance"),
    ("/me/profile", "/me/profile", "me-profile"),
    ("/me/tokens", "/me/tokens", "me-tokens"),
    ("/me/tokens/{id}/delete", "/me/tokens/{token}/delete", ""),
    ("/me/sessions", "/me/sessions", "me-sessions"),
];

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    /// The address: path and query.
    pub(crate) path: String,
    /// What its picture is called; empty: there is none.
    pub(crate) picture: &'static str,
}

/// The page at which one signs in, which is left by whoever has.
pub(crate) fn login() -> Screen {
    Screen {
        path: LOGIN.to_owned(),
        picture: "login",
    }
}

/// All others, as a superuser may see them.
pub(crate) fn of(place: &Place) -> Vec<Screen> {
    let digest = place.digest.replace("sha256:", "");
    let names = [
        ("{digest}", &digest),
        ("{job}", &place.job),
        ("{trash}", &place.trash),
        ("{damaged}", &place.damaged),
        ("{backup}", &place.backup),
        ("{token}", &place.token),
        ("{grant}", &place.grant),
        ("{why}", &place.why),
    ];
    let others = SCREENS.iter().filter(|(_, path, _)| *path != LOGIN);
    let screen = |(_, path, picture): &(&str, &str, &'static str)| {
        let path = names.iter().fold((*path).to_owned(), |path, (name, is)| {
            path.replace(name, is)
        });
        Screen { path, picture }
    };
    others.map(screen).collect()
}

/// What all pictures are called.
pub(crate) fn pictures() -> impl Iterator<Item = &'static str> {
    let pictures = SCREENS.iter().map(|(_, _, picture)| *picture);
    pictures.filter(|picture| !picture.is_empty())
}

#[test]
fn every_page_of_the_router_is_a_screen() {
    let listed = SCREENS.iter().map(|(route, _, _)| *route);
    let known: BTreeSet<&str> = listed.chain(NO_PAGES).collect();
    let routes = routes();
    let pages = routes.iter().filter(|route| route.gets);
    let pages: BTreeSet<&str> = pages.map(|route| &*route.path).collect();
    assert_eq!(
        pages, known,
        "the router's pages, and those that are looked at"
    );
}
