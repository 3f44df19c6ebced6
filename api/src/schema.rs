//! Schemas of texts that `larder_model` checks, and how they are read.

use larder_model::ProtocolName;
use serde::de::{Deserialize, Deserializer, Error};
use std::borrow::Cow;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// Declares a type that stands for a text in schemas alone.
macro_rules! text {
    ($name:ident, $description:literal, $change:expr) => {
        #[doc = $description]
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let object = ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description));
                let change: fn(ObjectBuilder) -> ObjectBuilder = $change;
                RefOr::T(Schema::Object(Object::from(change(object))))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// The grammar of a repository's name.
const REPO: &str = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*";

/// A character that is printed.
const PRINTED: &str = r"[^\u0000-\u001f\u007f-\u009f]";
/// One that can stand in a segment of a path too.
const PLAIN: &str = r"[^\u0000-\u001f\u007f-\u009f/\\]";

fn protocols() -> String {
    ProtocolName::ALL.map(|protocol| protocol.0).join("|")
}

text!(
    Protocol,
    "What the clients of a repository speak.",
    |text| text.enum_values(Some(ProtocolName::ALL.map(|protocol| protocol.0)))
);
text!(
    RepoName,
    "A repository's name: lower case, with single separators.",
    |text| text
        .pattern(Some(format!("^{REPO}$")))
        .min_length(Some(1))
        .max_length(Some(128))
        .examples(["team", "docker.io"])
);
text!(RepoPath, "A repository as protocol/name.", |text| text
    .pattern(Some(format!("^({})/{REPO}$", protocols())))
    .examples(["oci/team", "npm/main"]));
text!(
    UserName,
    "The name of a user, a group or a robot.",
    |text| text
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"))
        .min_length(Some(1))
        .max_length(Some(64))
        .examples(["alice"])
);
text!(
    PackageName,
    "A package's name in any spelling of its protocol, at most 512 bytes; a slash in it is %2F.",
    |text| text
        .pattern(Some(format!("^{PLAIN}+(/{PLAIN}+)*$")))
        .min_length(Some(1))
        .max_length(Some(512))
        .examples(["left-pad", "@acme/app"])
);
text!(
    VersionName,
    "A version; of images a tag, or the digest of a manifest.",
    |text| text
        .pattern(Some(format!("^{PLAIN}+$")))
        .min_length(Some(1))
        .examples(["1.0.0", "latest"])
);
text!(
    Pattern,
    "Literal text in which * stands for any run of characters, at most 8 times; at most 512 bytes.",
    |text| text
        .pattern(Some(format!("^{PRINTED}+$")))
        .min_length(Some(1))
        .max_length(Some(512))
        .examples(["*", "@acme/*"])
);
text!(
    RepoPattern,
    "Repositories as protocol/name, in which * stands for any run of characters, at most 8 times.",
    |text| text
        .pattern(Some(format!(
            r"^({PRINTED}*\*{PRINTED}*|({})/{REPO})$",
            protocols()
        )))
        .min_length(Some(1))
        .max_length(Some(512))
        .examples(["oci/team", "oci/team-*", "*"])
);
text!(
    Series,
    "Versions of one major version, or of one major and minor version.",
    |text| text.enum_values(Some(["major", "minor"]))
);
text!(
    Network,
    "An address, or all addresses that share its first bits.",
    |text| text
        .pattern(Some(r"^[0-9a-fA-F.:]+(/[0-9]{1,3})?$"))
        .examples(["10.0.0.0/8", "fd00::/8", "192.0.2.7"])
);
text!(Subject, "A user, a robot or a group.", |text| text
    .pattern(Some(
        "^((user|group|robot):)?[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$"
    ))
    .examples(["user:alice", "robot:ci", "group:dev"]));
text!(
    Role,
    "A role, from least to most; each may what those before it may. reader: read; writer: publish; \
     maintainer: delete; admin: all of a repository.",
    |text| text.enum_values(Some(["reader", "writer", "maintainer", "admin"]))
);
text!(
    Timestamp,
    "A moment (RFC 3339), in answers in UTC.",
    |text| {
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2030-01-31T12:00:00Z"])
    }
);
text!(JobKind, "What a job does.", |text| text.enum_values(Some(
    larder_model::JobKind::ALL.iter().map(|kind| kind.word())
)));
text!(JobState, "How far a job is.", |text| text.enum_values(
    Some(larder_model::JobState::ALL.iter().map(|state| state.word()))
));
text!(
    Cron,
    "Five fields in UTC: minute, hour, day of month, month, day of week. Each is * or a list of \
     numbers, names and ranges, with a step after a slash.",
    |text| text
        .max_length(Some(256))
        .examples(["0 3 * * *", "*/15 8-18 * * mon-fri"])
);
text!(Span, "A length of time: a number and its unit.", |text| {
    text.pattern(Some("^[0-9]+(ms|s|m|h|d)$"))
        .examples(["0s", "15m", "7d"])
});
text!(Digest, "The digest of a blob.", |text| text
    .pattern(Some("^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"))
    .examples([
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    ]));
text!(
    BackupBlobs,
    "Whether the blobs are in a backup, or it refers to them.",
    |text| text.enum_values(Some(["include", "reference"]))
);
text!(BackupName, "The name of a backup.", |text| text
    .pattern(Some("^larder-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}\\.tar$"))
    .examples(["larder-20300131T120000Z-66f2a9d3c0b14e00.tar"]));
text!(Id, "The id of a row.", |text| text
    .pattern(Some("^[1-9][0-9]{0,18}$"))
    .examples(["12"]));

/// Reads a field whose parts have no names of their own in what is told of a wrong one: the field
/// as a whole is wrong.
pub fn whole<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(from).map_err(D::Error::custom)
}
