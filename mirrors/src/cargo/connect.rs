//! Configuration of cargo.

use crate::connect::{
    Client, INSTEAD, Open, Part, TOKEN, Target, authority, authority_file, part, shell,
};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new(
    "cargo",
    "cargo info --registry $KEY $PACKAGE",
    cargo,
)];

const PARTLY: &str = "cargo shows a token for all or for nothing, and some of this group is not public: \
     a mirror alone needs none";

fn cargo(target: &Target<'_>) -> Vec<Part> {
    let index = format!("\"sparse+{}\"", target.base());
    let key = target.key();
    let mut lines = Vec::new();
    if !target.is_beside() {
        lines.extend([
            "[source.crates-io]".to_owned(),
            format!("replace-with = \"{key}\""),
            format!("[source.{key}]"),
            format!("registry = {index}"),
        ]);
    }
    lines.extend([format!("[registries.{key}]"), format!("index = {index}")]);
    // As the `auth-required` of its `config.json` says.
    let with_token = target.open != Open::Wholly;
    if with_token {
        lines.extend(
            [
                "[registry]",
                "global-credential-providers = [\"cargo:token\"]",
            ]
            .map(str::to_owned),
        );
    }
    let mut parts = Vec::new();
    if let Some(certificate) = authority(target, &authority_file("cargo")) {
        parts.push(certificate.with_note(INSTEAD));
        // It counts from the folder above the one of the file.
        lines.extend(["[http]", "cainfo = \".larder-cargo-ca.crt\""].map(str::to_owned));
    }
    let mut file = part("~/.cargo/config.toml", lines);
    if target.is_beside() {
        file = file.with_note(format!(
            "it stands beside the public registry: cargo add --registry {key} NAME"
        ));
    }
    parts.push(if with_token {
        file
    } else {
        file.for_private(target, "cargo", TOKEN)
    });
    if with_token {
        let name = key.to_ascii_uppercase().replace('-', "_");
        let token = format!("export CARGO_REGISTRIES_{name}_TOKEN=$TOKEN");
        let mut token = shell([token]).with_note(TOKEN);
        if target.open == Open::Partly {
            token = token.with_note(PARTLY);
        }
        parts.push(token);
    }
    parts
}
