//! Configuration of npm, pnpm, yarn and bun.

use crate::connect::{Client, Part, TOKEN_IN_ENVIRONMENT, Target, part, without_scheme};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[
    Client::new("npm", "npm view $PACKAGE version", npm),
    Client::new("pnpm", "pnpm view $PACKAGE version", pnpm),
    Client::new("yarn", "yarn npm info $PACKAGE --fields version", yarn),
    Client::new("bun", "bun pm view $PACKAGE version", bun),
];

/// The lines that npm and pnpm share.
fn npmrc(target: &Target<'_>) -> Vec<String> {
    let base = target.base();
    let mut lines = vec![format!("registry={base}")];
    if !target.public {
        lines.push(npm_token(&base));
    }
    lines
}

/// The line of an npmrc that has the token for an address.
fn npm_token(base: &str) -> String {
    format!("//{}:_authToken=${{TOKEN}}", without_scheme(base))
}

fn npm(target: &Target<'_>) -> Vec<Part> {
    let mut lines = npmrc(target);
    // Lockfiles that were written with another registry name that one.
    lines.push("replace-registry-host=always".to_owned());
    vec![part("~/.npmrc", lines).for_private(target, TOKEN_IN_ENVIRONMENT)]
}

fn pnpm(target: &Target<'_>) -> Vec<Part> {
    vec![part("~/.npmrc", npmrc(target)).for_private(target, TOKEN_IN_ENVIRONMENT)]
}

fn yarn(target: &Target<'_>) -> Vec<Part> {
    let base = target.base();
    let mut lines = vec![format!("npmRegistryServer: \"{base}\"")];
    if !target.public {
        lines.extend(["npmAuthToken: \"${TOKEN}\"", "npmAlwaysAuth: true"].map(str::to_owned));
    }
    if target.is_plain() {
        let host = target.host();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        lines.extend(["unsafeHttpWhitelist:".to_owned(), format!("  - \"{name}\"")]);
    }
    let berry = part("~/.yarnrc.yml", lines).for_private(target, TOKEN_IN_ENVIRONMENT);
    let mut parts = vec![
        berry,
        part("~/.yarnrc", [format!("registry \"{base}\"")]).with_note("for yarn 1"),
    ];
    if !target.public {
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
    let registry = if target.public {
        format!("registry = \"{base}\"")
    } else {
        format!("registry = {{ url = \"{base}\", token = \"$TOKEN\" }}")
    };
    vec![
        part("~/.bunfig.toml", ["[install]".to_owned(), registry])
            .for_private(target, TOKEN_IN_ENVIRONMENT),
    ]
}
