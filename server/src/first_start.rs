//! What a first start makes: the data folder and its lock, the signing key, the first
//! administrator.

use crate::ended::Ended;
use larder_access::Gate;
use larder_cli::Exit;
use larder_keys::KeyRing;
use larder_metadata::users::NewUser;
use larder_metadata::{Error as MetadataError, Metadata};
use larder_model::{Problem, System, UserName, hex};
use larder_storage::{BlobStore, durable};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::process::geteuid;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The user that a first start makes.
const ADMIN: &str = "admin";
/// The file in the data folder that tells the password of that user.
const PASSWORD_FILE: &str = "admin-password";

/// While this file is in the data folder, a restore into it has not ended.
pub(crate) const UNFINISHED: &str = "restore-unfinished";

/// Passwords that are known to everyone.
const WEAK: [&str; 8] = [
    "password",
    "12345678",
    "123456789",
    "administrator",
    "admin123",
    "changeme",
    "letmein1",
    "larderlarder",
];

/// Makes the data folder and takes it for this process alone, for as long as the file is held.
pub(crate) fn lock(data: &Path) -> Result<File, Box<dyn Error>> {
    let shown = data.display();
    durable::make_folder(data, 0o750)
        .map_err(|error| format!("the data folder {shown} cannot be made: {error}"))?;
    let path = data.join("larder.lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Box::new(Ended::new(
            Exit::Conflict,
            format!("another larder is running on {shown}; stop it, or use another --data"),
        ))),
        Err(error) => Err(format!("{} cannot be locked: {error}", path.display()).into()),
    }
}

/// Fails if a restore into this data folder has not ended.
pub(crate) fn require_finished(data: &Path) -> Result<(), String> {
    if !data.join(UNFINISHED).exists() {
        return Ok(());
    }
    Err(format!(
        "a restore into {} has not ended: run larder restore again, or empty the folder",
        data.display()
    ))
}

/// Fails if there are blobs and nobody to whom they could belong: their database is elsewhere, or was
/// lost, and a first start would not find anything of it.
pub(crate) async fn require_own_blobs(
    metadata: &Metadata,
    blobs: &BlobStore,
) -> Result<(), Box<dyn Error>> {
    if metadata.has_users().await? || !blobs.has_objects().await? {
        return Ok(());
    }
    let text = "the database is empty, but the store has blobs: it is not the database that they \
                belong to. Put that one back (with SQLite larder.db and larder.db-wal together), \
                restore a backup into empty folders (larder restore), or name an empty store";
    Err(text.into())
}

/// The server's keys; `None`: there is no such file.
pub(crate) fn kept_keys(path: &Path) -> Result<Option<KeyRing>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => KeyRing::read(&text).map(Some).ok_or_else(|| {
            format!(
                "{} has no signing keys: one a line, of 64 hex digits, and behind each but the \
                 first the time at which it was retired",
                path.display()
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong_key(path, &error)),
    }
}

fn wrong_key(path: &Path, error: &io::Error) -> String {
    format!("the signing key {}: {error}", path.display())
}

/// The server's keys, the first of which is made at the first start: beside a database that has users
/// it was lost, and another one would open nothing of what it closed.
pub(crate) async fn signing_keys(
    path: &Path,
    metadata: &Metadata,
) -> Result<KeyRing, Box<dyn Error>> {
    if let Some(keys) = kept_keys(path)? {
        return Ok(keys);
    }
    if !metadata.has_users().await? {
        return Ok(make_key(path)?);
    }
    Err(missing_key(path))
}

/// What is told of a key that is not there any more.
pub(crate) fn missing_key(path: &Path) -> Box<dyn Error> {
    let text = format!(
        "the signing key {} is missing, and the database has secrets that it closed: put it back, \
         out of a backup (tar -xOf larder.tar keys/token.key) or from another server of this \
         database. If it is lost for good, larder key new makes another one",
        path.display()
    );
    text.into()
}

/// Makes the first key. Fails if the file is there.
pub(crate) fn make_key(path: &Path) -> Result<KeyRing, String> {
    let keys = KeyRing::of(random_key()?);
    durable::create(path, keys.write().as_bytes(), durable::SECRET)
        .map_err(|error| wrong_key(path, &error))?;
    Ok(keys)
}

/// A new key.
pub(crate) fn random_key() -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| error.to_string())?;
    Ok(key)
}

/// Fails if a password for the first administrator is one that anybody guesses.
pub(crate) fn require_strong(password: Option<&str>) -> Result<(), String> {
    match password {
        Some(password)
            if password.len() < 8 || WEAK.contains(&password.to_lowercase().as_str()) =>
        {
            Err(
                "LARDER_ADMIN_PASSWORD is too weak: at least 8 characters that nobody guesses"
                    .to_owned(),
            )
        }
        _ => Ok(()),
    }
}

/// Makes the user [`ADMIN`]: with `password`, else a random one that is left in
/// a file.
pub(crate) async fn first_admin(
    metadata: &Metadata,
    gate: &Gate,
    data: &Path,
    password: Option<String>,
) -> Result<(), Problem> {
    let password = match password {
        Some(password) => password,
        None => random_password(data).map_err(Problem::internal)?,
    };
    let hash = gate.hash_password(&password).await?;
    let name = ADMIN.parse().map_err(Problem::internal)?;
    match metadata
        .add_user(
            NewUser {
                name: &name,
                password: Some(hash),
                superuser: true,
                disabled: false,
            },
            &System::FirstStart,
        )
        .await
    {
        Ok(_) | Err(MetadataError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    gate.refresh().await
}

/// A password in a file that only its owner reads. A start that was cut off after writing it finds
/// it again.
fn random_password(data: &Path) -> Result<String, String> {
    let path = data.join(PASSWORD_FILE);
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let password = hex::encode(&random);
    match durable::create(&path, format!("{password}\n").as_bytes(), durable::SECRET) {
        Ok(()) => {
            tracing::info!(file = %path.display(), "first start: user admin made; its password is in this file");
            Ok(password)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let password = left_password(&path, random.len() * 2)?;
            tracing::info!(file = %path.display(), "user admin made; its password is in this file");
            Ok(password)
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The password of `digits` digits in a file that a start left which was cut off. Anything else there
/// may be of someone else's making, or the half of a file, whose text would let anyone in.
fn left_password(path: &Path, digits: usize) -> Result<String, String> {
    let wrong = |error: io::Error| format!("{}: {error}", path.display());
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(|error| error.to_string())?;
    let mut file = OpenOptions::new();
    let file = file.read(true).custom_flags(no_link).open(path);
    let mut file = file.map_err(wrong)?;
    let about = file.metadata().map_err(wrong)?;
    let mut text = String::new();
    if about.is_file() {
        let longest = digits as u64 + 2;
        let read = Read::by_ref(&mut file)
            .take(longest)
            .read_to_string(&mut text);
        read.map_err(wrong)?;
    }
    let password = text.trim_end();
    let is_ours = about.uid() == geteuid().as_raw() && about.mode().trailing_zeros() >= 6;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if is_ours && password.len() == digits && password.bytes().all(is_digit) {
        return Ok(password.to_owned());
    }
    let shown = path.display();
    Err(format!(
        "{shown} is not the file of a first start: delete it, and the next start writes another one"
    ))
}

/// Deletes the file with a user's first password, if there is one: that password holds no more. Fails
/// with a sentence that names the file.
pub(crate) fn forget_password(data: &Path, user: &UserName) -> Result<(), String> {
    if user.as_str() != ADMIN {
        return Ok(());
    }
    let path = data.join(PASSWORD_FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}
