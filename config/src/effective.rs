//! The configuration in force, as a file.

use std::fmt::Write;

use crate::schema::Section;
use crate::sections::Config;
use crate::words::StorageKind;

impl Config {
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
