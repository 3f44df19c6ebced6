//! Configuration of npm, pnpm, yarn and bun.

use crate::connect::{
    Client, INSTEAD, Part, TOKEN_IN_ENVIRONMENT, Target, authority, authority_file, part, shell,
    without_scheme,
};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[
    Client::new("npm", "npm view $PACKAGE version", npm),
    Client::new("pnpm", "pnpm view $PACKAGE version", pnpm),
    Client::new("yarn", "yarn npm info $PACKAGE --fields version", yarn),
    Client::new("bun", "bun pm view $PACKAGE version", bun),
];

/// The line of an npmrc that has the token for an address.
fn npm_token(base: &str) -> String {
    format!("//{}:_authToken=${{TOKEN}}", without_scheme(base))
}

/// What is to be known of a repository that stands beside the public registry.
fn scope_note(target: &Target<'_>) -> String {
    let repo = target.repo;
    format!("it is asked for packages of the scope @{repo} alone: write yours")
}

/// Adds what is to be known of where the lines count, and of tokens.
fn noted(part: Part, target: &Target<'_>, client: &str) -> Part {
    let part = if target.is_beside() {
        part.with_note(scope_note(target))
    } else {
        part
    };
    part.for_private(target, client, TOKEN_IN_ENVIRONMENT)
}

/// The certificate of the server's authority, and the command that has Node trust it besides.
fn trusted_by_node(target: &Target<'_>, client: &str) -> Vec<Part> {
    let file = authority_file(client);
    let Some(certificate) = authority(target, &file) else {
        return Vec::new();
    };
    let export = format!("export NODE_EXTRA_CA_CERTS={file}");
    vec![certificate, shell([export])]
}

/// The npmrc of npm and pnpm, which understand the same.
fn npmrc(target: &Target<'_>, client: &str) -> Vec<Part> {
    let base = target.base();
    let mut lines = vec![if target.is_beside() {
        format!("@{}:registry={base}", target.repo)
    } else {
        format!("registry={base}")
    }];
    if !target.is_public() {
        lines.push(npm_token(&base));
    }
    let mut parts = Vec::new();
    if target.is_beside() {
        parts = trusted_by_node(target, client);
    } else if let Some(certificate) = authority(target, &authority_file(client)) {
        parts.push(certificate.with_note(INSTEAD));
        lines.push(format!("cafile=${{HOME}}/.larder-{client}-ca.crt"));
    }
    parts.push(noted(part("~/.npmrc", lines), target, client));
    parts
}

/// npm itself goes here where a lockfile names the public registry. That it does so for all registries is not
/// asked for: before version 11.3 it then puts the path of a registry into addresses that have it already.
fn npm(target: &Target<'_>) -> Vec<Part> {
    npmrc(target, "npm")
}

fn pnpm(target: &Target<'_>) -> Vec<Part> {
    npmrc(target, "pnpm")
}

/// The settings of yarn 2 and later for an address.
fn berry(target: &Target<'_>) -> Vec<String> {
    let mut registry = vec![format!("npmRegistryServer: \"{}\"", target.base())];
    if !target.is_public() {
        registry.extend(["npmAuthToken: \"${TOKEN}\"", "npmAlwaysAuth: true"].map(str::to_owned));
    }
    let mut lines = if target.is_beside() {
        let scope = ["npmScopes:".to_owned(), format!("  {}:", target.repo)];
        let registry = registry.iter().map(|line| format!("    {line}"));
        scope.into_iter().chain(registry).collect()
    } else {
        registry
    };
    if target.is_plain() {
        let host = target.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        lines.extend(["unsafeHttpWhitelist:".to_owned(), format!("  - \"{name}\"")]);
    }
    lines
}

fn yarn(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let classic = if target.is_beside() {
        format!("\"@{}:registry\" \"{base}\"", target.repo)
    } else {
        format!("registry \"{base}\"")
    };
    let mut parts = trusted_by_node(target, "yarn");
    parts.extend([
        noted(part("~/.yarnrc.yml", berry(target)), target, "yarn"),
        part("~/.yarnrc", [classic]).with_note("for yarn 1"),
    ]);
    if !target.is_public() {
        // Without this it sends its token for names with a scope only.
        let lines = [
            npm_token(&base),
            format!("//{}:always-auth=true", without_scheme(&base)),
        ];
        parts.push(
            part("~/.npmrc", lines).with_note("for yarn 1; $TOKEN is read from the environment"),
        );
    }
    parts
}

fn bun(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let registry = if target.is_public() {
        format!("\"{base}\"")
    } else {
        format!("{{ url = \"{base}\", token = \"$TOKEN\" }}")
    };
    let lines = if target.is_beside() {
        let scope = format!("\"{}\" = {registry}", target.repo);
        ["[install.scopes]".to_owned(), scope]
    } else {
        ["[install]".to_owned(), format!("registry = {registry}")]
    };
    let mut parts = trusted_by_node(target, "bun");
    parts.push(noted(part("~/.bunfig.toml", lines), target, "bun"));
    parts
}
