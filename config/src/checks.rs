//! Settings that are right one by one and wrong together.

use crate::fault::Fault;
use crate::schema::Contradictions;
use crate::sections::{
    Audit, Auth, Backup, Cache, Config, Database, Gc, Limits, Log, Scrub, Server, Storage,
    Telemetry,
};
use crate::words::{StorageKind, Tls};
use crate::written::WrittenSettings;

/// Gathers contradictions, each at the place of the key that is to change.
struct Findings<'a> {
    given: &'a WrittenSettings,
    faults: Vec<Fault>,
}

impl<'a> Findings<'a> {
    fn new(given: &'a WrittenSettings) -> Self {
        Self {
            given,
            faults: Vec::new(),
        }
    }

    /// Reports a contradiction, if there is one, at the first of these keys that was written.
    fn refuse(&mut self, contradiction: bool, keys: &[&str], text: &str) -> &mut Self {
        let place = keys.iter().find_map(|key| self.given.place(key));
        if let (true, Some(place)) = (contradiction, place) {
            self.faults.push(Fault::new(place, text));
        }
        self
    }
}

impl Contradictions for Config {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let metrics_on_the_same_port = self.server.listen.port() != 0
            && self
                .telemetry
                .metrics_listen
                .is_some_and(|metrics| metrics == self.server.listen);
        let mut found = Findings::new(given);
        found
            .refuse(self.data.starts_with("<data>"), &["data"], "data: \"<data>\" stands for this directory itself")
            .refuse(
                metrics_on_the_same_port,
                &["telemetry.metrics_listen"],
                "telemetry.metrics_listen is the address of server.listen; leave it unset to share that address",
            );
        found.faults
    }
}

impl Contradictions for Server {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let plain = self.public_url.as_ref().is_some_and(|url| !url.is_secure());
        let mut found = Findings::new(given);
        found.refuse(
            plain && self.tls != Tls::Off,
            &["server.public_url"],
            "server.public_url is http:// but server.tls is on; write https://",
        );
        found.faults
    }
}

impl Contradictions for Limits {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let mut found = Findings::new(given);
        found.refuse(
            self.connections_per_address > self.connections,
            &["server.limits.connections_per_address", "server.limits.connections"],
            "server.limits.connections_per_address is more than server.limits.connections allows for all",
        );
        found.faults
    }
}

impl Contradictions for Storage {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let kind = self.kind.as_str();
        let local = self.kind == StorageKind::Local;
        let mut found = Findings::new(given);
        for key in [
            "bucket",
            "prefix",
            "region",
            "endpoint",
            "access_key_id",
            "secret_access_key",
        ] {
            let key = format!("storage.{key}");
            let text = format!(
                "{key} is set but storage.kind is \"local\"; set storage.kind to \"s3\", \"gcs\" or \"azure\""
            );
            found.refuse(local, &[&key], &text);
        }
        // What one provider has no use for would be set for nothing.
        let of_others: &[(&str, &str)] = match self.kind {
            StorageKind::Local | StorageKind::S3 => &[],
            StorageKind::Gcs => &[
                ("region", "s3"),
                ("path_style", "s3"),
                ("access_key_id", "s3\" or \"azure"),
            ],
            StorageKind::Azure => &[("region", "s3"), ("path_style", "s3")],
        };
        for (key, others) in of_others {
            let key = format!("storage.{key}");
            let text = format!(
                "{key} is for storage.kind \"{others}\" only, which is \"{kind}\"; remove it"
            );
            found.refuse(true, &[&key], &text);
        }
        found
            .refuse(
                !local,
                &["storage.path"],
                &format!("storage.path is set but storage.kind is \"{kind}\"; remove one of them"),
            )
            .refuse(
                !local && self.bucket.is_none(),
                &["storage.kind"],
                &format!("storage.kind is \"{kind}\" but storage.bucket is not set"),
            )
            .refuse(
                self.kind == StorageKind::Azure && self.access_key_id.is_none(),
                &["storage.kind"],
                "storage.kind is \"azure\" but its account, storage.access_key_id, is not set",
            )
            .refuse(
                self.kind == StorageKind::S3 && self.access_key_id.is_some() != self.secret_access_key.is_some(),
                &["storage.access_key_id", "storage.secret_access_key"],
                "storage.access_key_id and storage.secret_access_key belong together; set both or neither",
            )
            .refuse(
                !self.allow_http && self.endpoint.as_ref().is_some_and(|url| !url.is_secure()),
                &["storage.endpoint"],
                "storage.endpoint is http:// but storage.allow_http is false; write https://, or set it to true",
            )
            .refuse(
                self.prefix
                    .as_deref()
                    .is_some_and(|prefix| prefix.split('/').any(|part| matches!(part, "" | "." | ".."))),
                &["storage.prefix"],
                "storage.prefix has an empty, \".\" or \"..\" part; write e.g. \"team/larder\"",
            )
            .refuse(
                local && self.path == self.staging,
                &["storage.staging", "storage.path"],
                "storage.staging is the directory of storage.path; uploads need one of their own",
            );
        found.faults
    }
}

impl Contradictions for Database {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let mut found = Findings::new(given);
        found.refuse(
            self.url.is_some(),
            &["database.path"],
            "database.path is set but so is database.url; remove one of them",
        );
        found.faults
    }
}

impl Contradictions for Auth {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let mut found = Findings::new(given);
        found.refuse(
            self.token_life > self.offline_token_life,
            &["auth.token_life", "auth.offline_token_life"],
            "auth.token_life is longer than auth.offline_token_life, which is meant to outlive it",
        );
        found.faults
    }
}

impl Contradictions for Telemetry {
    fn contradictions(&self, given: &WrittenSettings) -> Vec<Fault> {
        let mut found = Findings::new(given);
        found.refuse(
            !self.metrics,
            &["telemetry.metrics_listen"],
            "telemetry.metrics_listen is set but telemetry.metrics is false; remove one of them",
        );
        found.faults
    }
}

/// Sections whose settings go with each other whatever they are.
macro_rules! never_contradict {
    ($($name:ty),+) => {
        $(impl Contradictions for $name {
            fn contradictions(&self, _: &WrittenSettings) -> Vec<Fault> {
                Vec::new()
            }
        })+
    };
}

never_contradict!(Audit, Backup, Cache, Gc, Log, Scrub);
