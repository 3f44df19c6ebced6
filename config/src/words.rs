//! Settings that are one of a few words.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::kind::{Kind, Wrong, quoted};
use crate::written::{Raw, Written};

/// Declares an enum and the word for each of its variants.
macro_rules! words {
    ($(#[doc = $about:literal])* pub enum $name:ident {
        $($(#[doc = $doc:literal])* $variant:ident = $word:literal,)+
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $doc])* $variant,)+ }

        impl $name {
            /// The word in the configuration.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl Kind for $name {
            type Value = Self;

            fn read(written: &Written, _: &Path) -> Result<Self, Wrong> {
                match written.text() {
                    $(Some($word) => Ok(Self::$variant),)+
                    _ => Err(Wrong::value(written, &format!("is not one of {}", [$(quoted($word)),+].join(", ")))),
                }
            }

            fn show(value: &Self) -> String {
                quoted(value.as_str())
            }
        }
    };
}

words! {
    /// Where blobs are kept.
    pub enum StorageKind {
        /// A directory of this machine.
        Local = "local",
        /// Amazon S3 and what speaks its protocol.
        S3 = "s3",
        /// Google Cloud Storage.
        Gcs = "gcs",
        /// Azure Blob Storage.
        Azure = "azure",
    }
}

words! {
    /// The least important message that is logged.
    pub enum LogLevel {
        /// What failed.
        Error = "error",
        /// What may fail next.
        Warn = "warn",
        /// What happened.
        Info = "info",
        /// How it happened.
        Debug = "debug",
        /// Every step.
        Trace = "trace",
    }
}

words! {
    /// The form of the log.
    pub enum LogFormat {
        /// Text on a terminal, JSON elsewhere.
        Auto = "auto",
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// How the listener encrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// With a certificate that the server makes for itself.
    SelfSigned,
    /// With a certificate from files in PEM form.
    Files {
        /// The certificate, followed by its chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

impl Kind for Tls {
    type Value = Self;
    const PARTS: &'static [&'static str] = &["cert", "key"];

    fn read(written: &Written, data: &Path) -> Result<Self, Wrong> {
        match (&written.raw, written.text()) {
            (Raw::Table(parts), _) => files(written, parts, data),
            (_, Some("off")) => Ok(Self::Off),
            (_, Some("self-signed")) => Ok(Self::SelfSigned),
            _ => Err(Wrong::value(
                written,
                "is no way to encrypt; write \"off\", \"self-signed\" or { cert = \"…\", key = \"…\" }",
            )),
        }
    }

    fn show(value: &Self) -> String {
        match value {
            Self::Off => quoted("off"),
            Self::SelfSigned => quoted("self-signed"),
            Self::Files { cert, key } => format!(
                "{{ cert = {}, key = {} }}",
                PathBuf::show(cert),
                PathBuf::show(key)
            ),
        }
    }
}

/// Reads the table form, which needs both of its entries.
fn files(written: &Written, parts: &BTreeMap<String, Written>, data: &Path) -> Result<Tls, Wrong> {
    match (parts.get("cert"), parts.get("key")) {
        (Some(cert), Some(key)) => match (PathBuf::read(cert, data), PathBuf::read(key, data)) {
            (Ok(cert), Ok(key)) => Ok(Tls::Files { cert, key }),
            (cert, key) => Err(Wrong(
                [cert.err(), key.err()]
                    .into_iter()
                    .flatten()
                    .flat_map(|wrong| wrong.0)
                    .collect(),
            )),
        },
        (Some(_), None) => Err(Wrong::quiet(written, "cert is set without key; set both")),
        (None, Some(_)) => Err(Wrong::quiet(written, "key is set without cert; set both")),
        (None, None) => Err(Wrong::quiet(
            written,
            "the table holds no cert and no key; set both",
        )),
    }
}
