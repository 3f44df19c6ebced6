//! `larder check` looks at the files and folders that a configuration names, as a start would. Nothing
//! is made, and no server is asked.

use crate::{first_start, tls, writable};
use larder_config::{Config, StorageKind};
use rustix::fs::{Access, access};
use std::path::Path;

/// Fails with a sentence for each that a start would stop at.
pub(crate) fn files(config: &Config) -> Result<(), String> {
    let mut wrong: Vec<String> = writable::require(config).err().into_iter().collect();
    let mut places = vec![
        ("data", &config.data),
        ("storage.staging", &config.storage.staging),
    ];
    if config.database.url.is_none() {
        places.push(("database.path", &config.database.path));
    }
    if config.storage.kind == StorageKind::Local {
        places.push(("storage.path", &config.storage.path));
    }
    wrong.extend(
        places
            .into_iter()
            .filter_map(|(key, path)| can_be_made(key, path).err()),
    );
    wrong.extend(tls::look(config).err().map(|error| error.to_string()));
    for path in &config.cache.upstream_authorities {
        let read = tls::authorities(std::slice::from_ref(path));
        wrong.extend(read.err().map(|error| error.to_string()));
    }
    wrong.extend(signing_key(config).err());
    wrong.dedup();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

/// Fails where something is not there, and the folder in which it would be made takes nothing.
fn can_be_made(key: &str, path: &Path) -> Result<(), String> {
    if path.exists() {
        return Ok(()); // whether it can be written is asked of all of them
    }
    let mut folders = path.ancestors().skip(1);
    let folder = folders.find(|folder| folder.as_os_str().is_empty() || folder.exists());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        let (path, folder) = (path.display(), folder.display());
        return Err(format!(
            "{key}: {path} cannot be made: {folder} is no folder"
        ));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        format!(
            "{key}: {} is not there and cannot be made in {}: {error}",
            path.display(),
            folder.display()
        )
    })
}

/// Fails where the file with the keys has none, or could not be made.
fn signing_key(config: &Config) -> Result<(), String> {
    let path = &config.auth.token_key;
    if first_start::kept_keys(path)?.is_some() || path.starts_with(&config.data) {
        return Ok(());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => Err(format!(
            "auth.token_key: the folder {} of {} is not there; make it",
            folder.display(),
            path.display()
        )),
        _ => Ok(()),
    }
}
