//! Where on this machine a client's file is: its own variables move it.

use crate::failure::Failure;
use larder_discover::Machine;
use std::path::{Path, PathBuf};

/// A file below a folder, and the variables that name another folder or file; the first one set
/// counts.
const MOVED: [(&str, &[&str], bool); 5] = [
    (
        "~/.npmrc",
        &["npm_config_userconfig", "NPM_CONFIG_USERCONFIG"],
        true,
    ),
    ("~/.config/pip/pip.conf", &["PIP_CONFIG_FILE"], true),
    ("~/.config/uv/uv.toml", &["UV_CONFIG_FILE"], true),
    ("~/.config/", &["XDG_CONFIG_HOME"], false),
    ("~/.cargo/", &["CARGO_HOME"], false),
];

/// The path of a file that `connect` names; one without a folder is in the working folder. `root`:
/// where the machine's files begin.
pub(crate) fn path(file: &str, machine: &Machine, root: Option<&Path>) -> Result<PathBuf, Failure> {
    let moved = MOVED.iter().find_map(|(place, variables, whole)| {
        let rest = file.strip_prefix(place)?;
        let value = variables.iter().find_map(|name| machine.variable(name))?;
        Some(if *whole {
            PathBuf::from(value)
        } else {
            Path::new(value).join(rest)
        })
    });
    let path = match (moved, file.strip_prefix("~/")) {
        (Some(path), _) => path,
        (None, Some(rest)) => machine.home(rest).ok_or_else(|| {
            Failure::Usage(format!(
                "HOME is not set, so it is not known where {file} is"
            ))
        })?,
        (None, None) => machine.dir().join(file),
    };
    // A `..` in what a server says would lead anywhere.
    if Path::new(file)
        .components()
        .any(|part| part == std::path::Component::ParentDir)
    {
        return Err(Failure::Local(format!("{file} leads out of its folder")));
    }
    Ok(match root {
        Some(root) => root.join(path.strip_prefix("/").unwrap_or(&path)),
        None => path,
    })
}

#[cfg(test)]
mod tests;
