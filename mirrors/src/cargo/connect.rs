//! Configuration of cargo.

use crate::connect::{Client, Part, TOKEN, Target, part, shell};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new(
    "cargo",
    "cargo info --registry larder $PACKAGE",
    cargo,
)];

fn cargo(target: &Target<'_>) -> Vec<Part> {
    let index = format!("\"sparse+{}\"", target.base());
    let mut lines = vec![
        "[source.crates-io]".to_owned(),
        "replace-with = \"larder\"".to_owned(),
        "[source.larder]".to_owned(),
        format!("registry = {index}"),
        "[registries.larder]".to_owned(),
        format!("index = {index}"),
    ];
    if !target.public {
        lines.extend(
            [
                "[registry]",
                "global-credential-providers = [\"cargo:token\"]",
            ]
            .map(str::to_owned),
        );
    }
    let mut parts = vec![part("~/.cargo/config.toml", lines)];
    if !target.public {
        parts.push(
            shell(["export CARGO_REGISTRIES_LARDER_TOKEN=$TOKEN".to_owned()]).with_note(TOKEN),
        );
    }
    parts
}
