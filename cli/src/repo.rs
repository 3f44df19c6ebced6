//! `larder repo`.

use crate::client::Client;
use crate::command::{Repo, RepoSettings};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use crate::terminal::{self, confirm};
use larder_model::upstream::{AnswerTime, BadAnswerTime};
use larder_model::{Pattern, ProtocolName, RepoName};
use serde_json::{Map, Value, json};
use std::fmt;
use std::str::FromStr;

const LIST: &[Column] = &[
    ("PROTOCOL", "protocol"),
    ("NAME", "name"),
    ("KIND", "kind"),
    ("DESCRIPTION", "description"),
];
const HOSTED: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Signing key", "signing_key"),
    ("Created", "created_at"),
];
const MIRROR: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Upstream", "upstream/url"),
    ("Username", "upstream/username"),
    ("Password", "upstream/has_password"),
    ("Private allowed", "upstream/allow_private"),
    ("Also allowed", "upstream/allow"),
    ("Requests a minute", "upstream/requests_per_minute"),
    ("Absent statuses", "upstream/absent_statuses"),
    ("Answer time", "upstream/answer_time"),
    ("Fresh seconds", "fresh_seconds"),
    ("Offline", "offline"),
    ("Blocked", "blocked"),
    ("Created", "created_at"),
];
const GROUP: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Members", "members"),
    ("Blocked", "blocked"),
    ("Signing key", "signing_key"),
    ("Created", "created_at"),
];

/// A repository as people name it: `oci/team`.
#[derive(Debug, Clone)]
pub struct RepoPath {
    protocol: ProtocolName,
    name: RepoName,
}

impl RepoPath {
    /// The segments that stand for it in a call.
    pub(crate) fn segments(&self) -> [&str; 2] {
        [self.protocol.0, self.name.as_str()]
    }

    fn call(&self) -> [&str; 3] {
        ["repositories", self.protocol.0, self.name.as_str()]
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.protocol, self.name)
    }
}

impl FromStr for RepoPath {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (protocol, name) = text
            .split_once('/')
            .ok_or("write it as protocol/name, e.g. oci/team")?;
        let protocol = protocol.parse().map_err(|_| {
            let known: Vec<&str> = ProtocolName::ALL
                .iter()
                .map(|protocol| protocol.0)
                .collect();
            format!("the part before the slash is one of {}", known.join(", "))
        })?;
        Ok(Self {
            protocol,
            name: name
                .parse::<RepoName>()
                .map_err(|error| error.to_string())?,
        })
    }
}

/// A status by which an upstream says that it does not have something; an empty text is none.
#[derive(Debug, Clone, Copy)]
pub struct AbsentStatus(Option<u16>);

impl FromStr for AbsentStatus {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Some(text)
            .filter(|text| !text.is_empty())
            .map(str::parse)
            .transpose()
            .map(Self)
    }
}

/// How long an upstream may take to begin an answer; an empty text is as the server says.
#[derive(Debug, Clone, Copy)]
pub struct AnswerTimeOption(Option<AnswerTime>);

impl FromStr for AnswerTimeOption {
    type Err = BadAnswerTime;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Some(text)
            .filter(|text| !text.is_empty())
            .map(str::parse)
            .transpose()
            .map(Self)
    }
}

/// Packages that are not served: `evil-*`, or `evil-*=known malware`.
#[derive(Debug, Clone)]
pub struct Block {
    package: Pattern,
    reason: Option<String>,
}

impl FromStr for Block {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (package, reason) = match text.split_once('=') {
            Some((package, reason)) => (package, Some(reason.trim().to_owned())),
            None => (text, None),
        };
        let package = package
            .parse::<Pattern>()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            package,
            reason: reason.filter(|reason| !reason.is_empty()),
        })
    }
}

impl From<Block> for Value {
    fn from(block: Block) -> Self {
        let mut fields = Map::new();
        put(&mut fields, "package", Some(block.package.as_str()));
        put(&mut fields, "reason", block.reason);
        Self::Object(fields)
    }
}

pub(crate) async fn repo(command: Repo, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Repo::List => Ok(Outcome::list(
            client.all(&["repositories"], &[]).await?,
            LIST,
        )),
        Repo::Show { name } => Ok(shown(client.get(&name.call(), &[]).await?)),
        Repo::Create {
            name,
            kind,
            settings,
        } => {
            let kind = kind.unwrap_or_else(|| fitting(&settings).to_owned());
            let mut body = fields(settings)?;
            body.extend([
                ("protocol".to_owned(), json!(name.protocol.0)),
                ("name".to_owned(), json!(name.name)),
                ("kind".to_owned(), json!(kind)),
            ]);
            Ok(shown(
                client
                    .post(&["repositories"], &[], &Value::Object(body))
                    .await?,
            ))
        }
        Repo::Set {
            name,
            settings,
            online,
            block_nothing,
        } => {
            let mut body = fields(settings)?;
            if online {
                body.insert("offline".to_owned(), json!(false));
            }
            if block_nothing {
                body.insert("blocked".to_owned(), json!([]));
            }
            if body.is_empty() {
                return Err(Failure::Usage(
                    "nothing to change: larder repo set --help lists what can be".to_owned(),
                ));
            }
            Ok(shown(
                client.patch(&name.call(), &Value::Object(body)).await?,
            ))
        }
        Repo::Delete { name, yes } => {
            confirm(
                &format!("Delete repository {name} with all that is in it?"),
                yes,
            )?;
            client.delete(&name.call()).await?;
            Ok(Outcome::done(format!("Repository {name} deleted.")))
        }
    }
}

fn shown(repo: Value) -> Outcome {
    let columns = match repo["kind"].as_str() {
        Some("mirror") => MIRROR,
        Some("group") => GROUP,
        _ => HOSTED,
    };
    Outcome::record(repo, columns)
}

/// The kind that settings speak of.
const fn fitting(settings: &RepoSettings) -> &'static str {
    match settings {
        RepoSettings {
            upstream: Some(_), ..
        } => "mirror",
        RepoSettings { members, .. } if !members.is_empty() => "group",
        _ => "hosted",
    }
}

/// The fields of a call's body that the settings fill.
fn fields(settings: RepoSettings) -> Result<Map<String, Value>, Failure> {
    let mut upstream = Map::new();
    let password = if settings.password_stdin {
        Some(terminal::line()?)
    } else {
        None
    };
    put(&mut upstream, "url", settings.upstream);
    put(&mut upstream, "username", settings.username);
    put(&mut upstream, "password", password);
    put(&mut upstream, "allow_private", settings.allow_private);
    put(
        &mut upstream,
        "allow",
        Some(settings.allow).filter(|origins| !origins.is_empty()),
    );
    put(
        &mut upstream,
        "requests_per_minute",
        settings.requests_per_minute,
    );
    let absent = settings.absent_statuses.iter();
    put(
        &mut upstream,
        "absent_statuses",
        (!settings.absent_statuses.is_empty())
            .then(|| absent.filter_map(|status| status.0).collect::<Vec<_>>()),
    );
    let time = settings.answer_time.map(|time| time.0.map(String::from));
    put(&mut upstream, "answer_time", time.map(Value::from));
    let mut body = Map::new();
    put(&mut body, "description", settings.description);
    put(
        &mut body,
        "fresh_seconds",
        settings.fresh.map(|span| span.0),
    );
    put(&mut body, "offline", settings.offline.then_some(true));
    put(
        &mut body,
        "upstream",
        Some(upstream).filter(|upstream| !upstream.is_empty()),
    );
    let key = settings
        .signing_key
        .as_deref()
        .map(terminal::file)
        .transpose()?;
    put(&mut body, "signing_key", key);
    let members = settings
        .members
        .iter()
        .map(|name| name.as_str().to_owned())
        .collect::<Vec<_>>();
    put(
        &mut body,
        "members",
        Some(members).filter(|members| !members.is_empty()),
    );
    put(
        &mut body,
        "blocked",
        Some(settings.blocked).filter(|blocked| !blocked.is_empty()),
    );
    Ok(body)
}

fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}
