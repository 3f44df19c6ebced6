//! Configuration of pip, uv, poetry and twine.

use crate::connect::{
    Client, INSTEAD, Part, TOKEN, Target, authority, authority_file, part, shell,
};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[
    Client::new("pip", "pip download --no-deps --dest /tmp $PACKAGE", pip),
    Client::new(
        "uv",
        "echo $PACKAGE | uv pip compile --no-deps --no-header -",
        uv,
    ),
    Client::new("poetry", "poetry add --dry-run $PACKAGE", poetry),
    Client::publisher("twine", twine),
];

const PIP_BESIDE: &str = "pip takes the highest version of either index, so a name of yours that \
     is public too may come from there: a group of both has no such gap";
const UV_BESIDE: &str = "it is asked before the public index";

fn pip(target: &Target<'_>) -> Vec<Part> {
    let index = if target.is_beside() {
        "extra-index-url"
    } else {
        "index-url"
    };
    let mut lines = vec![
        "[global]".to_owned(),
        format!("{index} = {}simple/", target.base_with_token()),
    ];
    if target.is_insecure() {
        lines.push(format!("trusted-host = {}", target.host()));
    }
    let mut parts = Vec::new();
    let file = authority_file("pip");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate.with_note(INSTEAD));
        lines.push(format!("cert = {file}"));
    }
    let mut config = part("~/.config/pip/pip.conf", lines);
    if target.is_beside() {
        config = config.with_note(PIP_BESIDE);
    }
    parts.push(config.for_private(target, "pip", TOKEN));
    parts
}

fn uv(target: &Target<'_>) -> Vec<Part> {
    let url = format!("url = \"{}simple/\"", target.base());
    let key = target.key();
    let mut lines = vec!["[[index]]".to_owned(), format!("name = \"{key}\""), url];
    if !target.is_beside() {
        lines.push("default = true".to_owned());
    }
    if !target.is_mirror() {
        lines.push(format!("publish-url = \"{}\"", target.uploads()));
    }
    let mut config = part("~/.config/uv/uv.toml", lines);
    if target.is_beside() {
        config = config.with_note(UV_BESIDE);
    }
    let mut commands = Vec::new();
    let mut parts = Vec::new();
    let file = authority_file("uv");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate.with_note(INSTEAD));
        commands.push(format!("export SSL_CERT_FILE={file}"));
    }
    if !target.is_public() {
        let name = key.to_ascii_uppercase().replace('-', "_");
        commands.extend([
            format!("export UV_INDEX_{name}_USERNAME=token"),
            format!("export UV_INDEX_{name}_PASSWORD=$TOKEN"),
        ]);
        if !target.is_mirror() {
            commands.push("export UV_PUBLISH_TOKEN=$TOKEN".to_owned());
        }
    }
    if target.is_public() {
        config = config.for_private(target, "uv", TOKEN);
    }
    parts.push(config);
    if !commands.is_empty() {
        let commands = shell(commands);
        parts.push(if target.is_public() {
            commands
        } else {
            commands.with_note(TOKEN)
        });
    }
    parts
}

fn poetry(target: &Target<'_>) -> Vec<Part> {
    let priority = if target.is_beside() {
        "explicit"
    } else {
        "primary"
    };
    let key = target.key();
    let lines = [
        "[[tool.poetry.source]]".to_owned(),
        format!("name = \"{key}\""),
        format!("url = \"{}simple/\"", target.base()),
        format!("priority = \"{priority}\""),
    ];
    let mut parts = Vec::new();
    let mut commands = Vec::new();
    let file = authority_file("poetry");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate);
        commands.push(format!("poetry config certificates.{key}.cert {file}"));
    }
    if !target.is_mirror() {
        commands.push(format!(
            "poetry config repositories.{key} {}",
            target.uploads()
        ));
    }
    if !target.is_public() {
        commands.push(format!("poetry config http-basic.{key} token $TOKEN"));
    }
    let config = part("pyproject.toml", lines);
    parts.push(if target.is_beside() {
        config.with_note(format!(
            "it stands beside the public index: poetry add --source {key} NAME"
        ))
    } else {
        config
    });
    if !commands.is_empty() {
        parts.push(shell(commands).for_private(target, "poetry", TOKEN));
    }
    parts
}

fn twine(target: &Target<'_>) -> Vec<Part> {
    // It only publishes, which always needs a token.
    let key = target.key();
    let lines = [
        "[distutils]".to_owned(),
        format!("index-servers = {key}"),
        format!("[{key}]"),
        format!("repository = {}", target.uploads()),
        "username = token".to_owned(),
        "password = $TOKEN".to_owned(),
    ];
    let file = authority_file("twine");
    let mut parts = Vec::new();
    if let Some(certificate) = authority(target, &file) {
        parts.extend([certificate, shell([format!("export TWINE_CERT={file}")])]);
    }
    parts.push(part("~/.pypirc", lines).with_note(TOKEN));
    parts
}
