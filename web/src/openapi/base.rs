//! What the document says of the API as a whole.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Tag,
};

/// What a reader should know first.
const DESCRIPTION: &str = "\
    Repositories, packages, users, tokens and grants of a Larder server. JSON in snake_case, times \
    in RFC 3339 and UTC; lists come page by page; what went wrong is a problem of RFC 9457 with a \
    code that never changes. HEAD is answered wherever GET is; a method that a path does not take \
    is answered with 405 and `Allow`, a path that is none with 404.";

/// The nouns that calls are grouped by.
const NOUNS: &[(&str, &str)] = &[
    (
        "repositories",
        "Hosted repositories, mirrors of upstreams, and groups of both.",
    ),
    (
        "packages",
        "Packages of a repository, their versions, the files of one.",
    ),
    ("upstreams", "How the upstreams of mirrors fare."),
    ("users", "Persons who use this server."),
    ("groups", "Sets of users, robots and other groups."),
    (
        "robots",
        "Accounts of machines, for each of which a person answers.",
    ),
    (
        "tokens",
        "Secrets that act for a user, with no more than its rights.",
    ),
    ("sessions", "Browsers in which a person has signed in."),
    ("grants", "Who may what, where."),
    (
        "reservations",
        "Published names that are gone and stay taken.",
    ),
    ("quotas", "How much repositories may have together."),
    ("settings", "Settings of the whole server."),
    (
        "jobs",
        "Work that takes a while: how far it is, what it did, and how it ended.",
    ),
    (
        "retention",
        "What repositories let go by rules, and what was deleted and can be restored.",
    ),
    ("schedules", "When jobs begin by themselves."),
    (
        "collection",
        "How bytes become free that nothing names any more, and what keeps a blob.",
    ),
    (
        "scrub",
        "What is kept is compared with its digests, and what is damaged.",
    ),
    (
        "backups",
        "All that the server knows, as one file from which it can be restored.",
    ),
    (
        "statistics",
        "How much is kept, how it is used and how the servers fare, also by the hour.",
    ),
    ("system", "How the server itself fares."),
    ("audit", "Who did, asked for or was refused what."),
    (
        "denied",
        "Requests that a rule refused, with the ids that clients were told.",
    ),
    (
        "clients",
        "What clients must be told so that they use a repository.",
    ),
    ("rights", "Who the caller is, and who may what."),
    ("document", "This document."),
];

/// The document without any call.
pub(crate) fn base() -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new()
        .title("Larder")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license.build()));
    let mut components = ComponentsBuilder::new()
        .schema_from::<larder_api::Problem>()
        .build();
    for (name, scheme, description) in [
        (
            "basic",
            HttpAuthScheme::Basic,
            "A user's name and password, or any name and a token.",
        ),
        ("token", HttpAuthScheme::Bearer, "A token."),
    ] {
        let mut http = Http::new(scheme);
        http.description = Some(description.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(http));
    }
    let cookie = ApiKeyValue::with_description(
        "larder_session",
        "The cookie of a session, where no `Authorization` is sent; over https its name is \
         `__Host-larder_session`. A change needs the header `X-CSRF-Token` too.",
    );
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
    components.add_security_scheme("session", cookie);
    let tag = |(name, description): (&str, &str)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    };
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(NOUNS.iter().copied().map(tag)))
        .build()
}
