//! Where on this machine a client's file is: its own variables move it.

use crate::failure::Failure;
use larder_discover::Machine;
use std::path::{Path, PathBuf};

/// Where a variable moves a file.
enum Moved {
    /// It names the file.
    File,
    /// It names the folder.
    Folder,
    /// It names a folder in which the file has the same name.
    Into(&'static str),
}

/// Files, or what is below a folder, and the variables that move them; the first one set counts.
const MOVED: [(&str, &[&str], Moved); 6] = [
    (
        "~/.npmrc",
        &["npm_config_userconfig", "NPM_CONFIG_USERCONFIG"],
        Moved::File,
    ),
    ("~/.config/pip/pip.conf", &["PIP_CONFIG_FILE"], Moved::File),
    ("~/.config/uv/uv.toml", &["UV_CONFIG_FILE"], Moved::File),
    (
        "~/.bunfig.toml",
        &["XDG_CONFIG_HOME"],
        Moved::Into(".bunfig.toml"),
    ),
    ("~/.config/", &["XDG_CONFIG_HOME"], Moved::Folder),
    ("~/.cargo/", &["CARGO_HOME"], Moved::Folder),
];

/// The path of a file that `connect` names; one without a folder is in the working folder. `root`:
/// where the machine's files begin.
pub(crate) fn path(file: &str, machine: &Machine, root: Option<&Path>) -> Result<PathBuf, Failure> {
    let moved = MOVED.iter().find_map(|(place, variables, moved)| {
        let rest = file.strip_prefix(place)?;
        let value = variables.iter().find_map(|name| machine.variable(name))?;
        let value = PathBuf::from(value);
        Some(match moved {
            Moved::File => value,
            Moved::Folder => value.join(rest),
            Moved::Into(name) => value.join(name),
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
