//! Configuration of pip, uv, poetry and twine.

use crate::connect::{Client, Part, TOKEN, Target, part, shell};

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

fn pip(target: &Target<'_>) -> Vec<Part> {
    let mut lines = vec![
        "[global]".to_owned(),
        format!("index-url = {}simple/", target.base_with_token()),
    ];
    if target.is_insecure() {
        lines.push(format!("trusted-host = {}", target.host()));
    }
    vec![part("~/.config/pip/pip.conf", lines).for_private(target, TOKEN)]
}

fn uv(target: &Target<'_>) -> Vec<Part> {
    let url = format!("url = \"{}simple/\"", target.base());
    let mut lines = vec![
        "[[index]]".to_owned(),
        "name = \"larder\"".to_owned(),
        url,
        "default = true".to_owned(),
    ];
    if !target.mirror {
        lines.push(format!("publish-url = \"{}\"", target.uploads()));
    }
    let mut parts = vec![part("~/.config/uv/uv.toml", lines)];
    if !target.public {
        let mut lines = vec![
            "export UV_INDEX_LARDER_USERNAME=token",
            "export UV_INDEX_LARDER_PASSWORD=$TOKEN",
        ];
        if !target.mirror {
            lines.push("export UV_PUBLISH_TOKEN=$TOKEN");
        }
        parts.push(shell(lines.into_iter().map(str::to_owned)).with_note(TOKEN));
    }
    parts
}

fn poetry(target: &Target<'_>) -> Vec<Part> {
    let lines = [
        "[[tool.poetry.source]]".to_owned(),
        "name = \"larder\"".to_owned(),
        format!("url = \"{}simple/\"", target.base()),
        "priority = \"primary\"".to_owned(),
    ];
    let mut commands = Vec::new();
    if !target.mirror {
        commands.push(format!(
            "poetry config repositories.larder {}",
            target.uploads()
        ));
    }
    if !target.public {
        commands.push("poetry config http-basic.larder token $TOKEN".to_owned());
    }
    let mut parts = vec![part("pyproject.toml", lines)];
    if !commands.is_empty() {
        parts.push(shell(commands).for_private(target, TOKEN));
    }
    parts
}

fn twine(target: &Target<'_>) -> Vec<Part> {
    let mut lines = vec![
        "[distutils]".to_owned(),
        "index-servers = larder".to_owned(),
        "[larder]".to_owned(),
        format!("repository = {}", target.uploads()),
        "username = token".to_owned(),
    ];
    if !target.public {
        lines.push("password = $TOKEN".to_owned());
    }
    vec![part("~/.pypirc", lines).for_private(target, TOKEN)]
}
