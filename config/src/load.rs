//! Reading it all: defaults, then the file, then the environment, then the flags.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::effective::Setting;
use crate::fault::{ConfigError, Fault, Place};
use crate::schema::{Reader, Schema, Section};
use crate::sections::Config;
use crate::written::{Written, WrittenSettings};
use crate::{environment, file};

/// The file that is read where none is named, if it exists.
const USUAL_FILE: &str = "larder.toml";

/// Where settings come from besides their defaults. Has no debug form: the environment holds
/// secrets.
#[derive(Clone, Default)]
pub struct Sources {
    /// The file (`--config`). It must exist. Without it `LARDER_CONFIG` counts, then `larder.toml`
    /// if there is one.
    pub file: Option<PathBuf>,
    /// The environment: names and values.
    pub env: Vec<(String, String)>,
    /// The data directory (`--data`).
    pub data: Option<PathBuf>,
    /// The address to listen on (`--listen`).
    pub listen: Option<SocketAddr>,
}

impl Config {
    /// Reads the configuration. Fails with everything that is wrong, not only with the first of it.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        Self::load_told(sources).map(|(config, _)| config)
    }

    /// The same, with where each setting comes from.
    pub fn load_told(sources: &Sources) -> Result<(Self, Vec<Setting>), ConfigError> {
        let schema = Schema::of::<Self>();
        let mut given = WrittenSettings::default();
        let mut faults = Vec::new();

        let whole = match text_of_file(sources) {
            Ok(Some((name, text))) => file::read(&name, &text, &schema, &mut given, &mut faults),
            Ok(None) => true,
            Err(fault) => {
                faults.push(fault);
                false
            }
        };
        environment::read(&sources.env, &schema, &mut given, &mut faults);
        read_flags(sources, &mut given, &mut faults);

        if !whole {
            return Err(ConfigError::new(faults));
        }
        let mut reader = Reader {
            given: &given,
            data: &data_directory(&given, &schema),
            faults,
        };
        match Self::build(&mut reader) {
            Some(config) if reader.faults.is_empty() => {
                let told = config.settings(&given);
                Ok((config, told))
            }
            _ => Err(ConfigError::new(reader.faults)),
        }
    }
}

/// The data directory, which other defaults stand on: as written, right or wrong, else the default
/// one.
fn data_directory(given: &WrittenSettings, schema: &Schema) -> PathBuf {
    let default = schema
        .keys()
        .find(|key| key.path == "data")
        .map(|key| key.default);
    given
        .get("data")
        .and_then(Written::text)
        .or(default)
        .unwrap_or_default()
        .into()
}

/// The name and the text of the file, if there is one.
fn text_of_file(sources: &Sources) -> Result<Option<(String, String)>, Fault> {
    let variable = sources
        .env
        .iter()
        .find(|(name, value)| name == environment::CONFIG && !value.is_empty());
    let (path, named_by) = match (&sources.file, variable) {
        (Some(path), _) => (path.as_path(), Some(Place::Flag("--config"))),
        (None, Some((name, value))) => (Path::new(value), Some(Place::Variable(name.clone()))),
        (None, None) => (Path::new(USUAL_FILE), None),
    };
    let name = path.display().to_string();
    match (std::fs::read_to_string(path), named_by) {
        (Ok(text), _) => Ok(Some((name, text))),
        (Err(error), None) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        (Err(error), None) => Err(Fault::new(
            &Place::Whole(name.into()),
            format!("cannot be read: {error}"),
        )),
        (Err(error), Some(place)) => Err(Fault::new(
            &place,
            format!("{name:?} cannot be read: {error}"),
        )),
    }
}

/// Writes the flags over everything else.
fn read_flags(sources: &Sources, given: &mut WrittenSettings, faults: &mut Vec<Fault>) {
    let flag = Place::Flag("--data");
    match sources.data.as_deref().map(Path::to_str) {
        Some(Some(data)) => given.put("data", Written::loose(flag, data)),
        Some(None) => faults.push(Fault::new(&flag, "the path is not UTF-8")),
        None => {}
    }
    if let Some(listen) = sources.listen {
        given.put(
            "server.listen",
            Written::loose(Place::Flag("--listen"), listen.to_string()),
        );
    }
}
