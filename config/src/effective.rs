//! The configuration in force, as a file.

use std::fmt::Write;

use crate::fault::Place;
use crate::schema::{Reader, Schema, Section};
use crate::sections::Config;
use crate::words::StorageKind;
use crate::written::WrittenSettings;

/// A setting in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Its dotted path.
    pub key: &'static str,
    /// Its value as TOML, a secret as `***`.
    pub value: String,
    /// What it would be if nobody had set it, likewise.
    pub default: String,
    /// Where it was set; `None`: nowhere.
    pub set_by: Option<Place>,
}

/// Settings in force as TOML, each with where it was set as a comment. It is a configuration again.
pub fn told(settings: &[Setting]) -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in settings {
        let (above, key) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
        if above != section {
            let _ = writeln!(text, "\n[{above}]");
            section = above;
        }
        let place = setting.set_by.as_ref().unwrap_or(&Place::Default);
        let _ = writeln!(text, "{key} = {} # {place}", setting.value);
    }
    text
}

impl Config {
    /// Every setting in force, in reading order. Those that something else overrules are left out.
    pub(crate) fn settings(&self, given: &WrittenSettings) -> Vec<Setting> {
        let (mut rows, mut defaults) = (Vec::new(), Vec::new());
        self.rows(&mut rows);
        let schema = Schema::of::<Self>();
        let data = schema.keys().find(|key| key.path == "data");
        let unset = Self::build(&mut Reader {
            given: &WrittenSettings::default(),
            data: data.map_or("", |key| key.default).as_ref(),
            faults: Vec::new(),
        });
        if let Some(unset) = unset {
            unset.rows(&mut defaults);
        }
        let rows = rows.into_iter().zip(defaults);
        let told = rows.map(|((key, value), (_, default))| Setting {
            key,
            value,
            default,
            set_by: given.place(key).cloned(),
        });
        told.filter(|setting| !self.is_overruled(setting.key))
            .collect()
    }

    /// The configuration in force as TOML, secrets as `***`. Settings that something else overrules
    /// are left out; what remains is a configuration again.
    pub fn effective(&self) -> String {
        let mut rows = Vec::new();
        self.rows(&mut rows);
        let mut text = String::new();
        let mut section = "";
        for (path, value) in rows.iter().filter(|(path, _)| !self.is_overruled(path)) {
            let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
            if above != section {
                let _ = writeln!(text, "\n[{above}]");
                section = above;
            }
            let _ = writeln!(text, "{key} = {value}");
        }
        text
    }

    /// Whether a setting does not count beside the others.
    fn is_overruled(&self, path: &str) -> bool {
        match path {
            "storage.path" => self.storage.kind != StorageKind::Local,
            "database.path" => self.database.url.is_some(),
            _ => false,
        }
    }
}
