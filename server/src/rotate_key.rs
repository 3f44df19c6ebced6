//! Another signing key, for whoever has the server's machine: the one before may be known to others,
//! or is old.

use crate::ended::Ended;
use crate::first_start;
use crate::stores::metadata;
use larder_cli::{Exit, Told};
use larder_config::Config;
use larder_keys::{KeyRing, Vault, client_key_place};
use larder_metadata::Metadata;
use larder_metadata::repos::RepoRecord;
use larder_model::{RepoSettings, System};
use larder_storage::durable;
use serde_json::json;
use std::error::Error;

/// Makes a new key, which signs and closes from now on, and closes anew what is stored. What it did.
/// Fails while a server runs on the data folder.
pub(crate) async fn rotate_key(config: &Config) -> Result<Told, Box<dyn Error>> {
    let _lock = first_start::lock(&config.data)?;
    let path = &config.auth.token_key;
    first_start::kept_keys(path)?;
    let metadata = metadata(config).await?;
    let before = first_start::signing_keys(path, &metadata).await?;
    let ring = before.rotated(first_start::random_key()?, metadata.now());
    // The new key is there before anything is closed with it.
    durable::write(path, ring.write().as_bytes(), durable::SECRET)?;
    let closed = close_anew(&metadata, &ring).await?;
    metadata.seal(true).await?;
    // Nothing stored needs the older ones any more, but what they signed is believed for a day.
    let kept = ring.without_past(metadata.now());
    durable::write(path, kept.write().as_bytes(), durable::SECRET)?;
    let older = kept.all().count() - 1;
    let json = json!({"key": path, "secrets": closed, "older_keys": older});
    let sentence = format!(
        "a new key signs; {closed} stored secrets were closed with it; {older} older keys are believed \
         for a day. Copy {} to the other servers of this database before they start again",
        path.display()
    );
    Ok(Told::done(json, sentence))
}

/// Makes a key where the one before is lost for good. What that means. Fails while a server runs on the
/// data folder, and where there are keys.
pub(crate) fn new_key(config: &Config) -> Result<Told, Box<dyn Error>> {
    let _lock = first_start::lock(&config.data)?;
    let path = &config.auth.token_key;
    if first_start::kept_keys(path)?.is_some() {
        let shown = path.display();
        let why = format!("{shown} is there: larder key rotate takes another key");
        return Err(Ended::new(Exit::Conflict, why).into());
    }
    first_start::make_key(path)?;
    let sentence = format!(
        "{} is a new key. What the lost one closed cannot be read any more: set the passwords and \
         client keys of upstreams again, and the signing keys of repositories. Clients of images \
         log in again. Copy the file to the other servers of this database before they start again",
        path.display()
    );
    Ok(Told::done(json!({"key": path}), sentence))
}

/// Closes all that is stored with the newest key. How much that is.
async fn close_anew(metadata: &Metadata, ring: &KeyRing) -> Result<usize, Box<dyn Error>> {
    let vault = Vault::new(ring)?;
    let mut closed = 0;
    for repo in metadata.repos().await? {
        let (settings, secrets) = reclosed(&vault, &repo)?;
        if secrets > 0 {
            let (id, text) = (repo.id, &repo.description);
            let changed = metadata.change_repo(id, text, &settings, None, &System::Console);
            changed.await?;
            closed += secrets;
        }
    }
    Ok(closed)
}

/// The settings of a repo with its secrets closed anew, and how many it has.
fn reclosed(vault: &Vault, repo: &RepoRecord) -> Result<(RepoSettings, usize), Box<dyn Error>> {
    let name = repo.full_name();
    let mut settings = repo.settings.clone();
    let mut secrets = 0;
    let unreadable = |what: &str| {
        format!(
            "the {what} of {name} cannot be read with the keys that are there: set it again, or \
             take it away, then rotate"
        )
    };
    let mut close = |sealed: &mut String, place: &str, what: &str| -> Result<(), Box<dyn Error>> {
        let open = vault.open(sealed, place);
        let open = open.ok_or_else(|| unreadable(what))?;
        *sealed = vault.close(&open, place)?;
        secrets += 1;
        Ok(())
    };
    if let Some(upstream) = &mut settings.upstream {
        if let Some(password) = &mut upstream.password {
            close(password, &upstream.url, "upstream's password")?;
        }
        if let Some(key) = &mut upstream.client_key {
            let place = client_key_place(&upstream.url);
            close(key, &place, "key of the upstream's client certificate")?;
        }
    }
    if let Some(key) = &mut settings.signing_key {
        close(
            &mut key.sealed,
            &format!("signing key of {name}"),
            "signing key",
        )?;
    }
    Ok((settings, secrets))
}
