//! `larder repo`.

use crate::client::Client;
use crate::command::Repo;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use crate::terminal::confirm;
use larder_model::{ProtocolName, RepoName};
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

const LIST: &[Column] = &[("PROTOCOL", "protocol"), ("NAME", "name"), ("KIND", "kind"), ("DESCRIPTION", "description")];
const RECORD: &[Column] = &[
    ("Protocol", "protocol"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Description", "description"),
    ("Created", "created_at"),
];

/// A repository as people name it: `oci/team`.
#[derive(Debug, Clone)]
pub struct RepoPath {
    protocol: ProtocolName,
    name: RepoName,
}

impl RepoPath {
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
        let (protocol, name) = text.split_once('/').ok_or("write it as protocol/name, e.g. oci/team")?;
        let protocol = protocol.parse().map_err(|_| {
            let known: Vec<&str> = ProtocolName::ALL.iter().map(|protocol| protocol.0).collect();
            format!("the part before the slash is one of {}", known.join(", "))
        })?;
        Ok(Self { protocol, name: name.parse::<RepoName>().map_err(|error| error.to_string())? })
    }
}

pub(crate) async fn repo(command: Repo, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Repo::List => Ok(Outcome::list(client.all(&["repositories"], &[]).await?, LIST)),
        Repo::Show { name } => Ok(Outcome::record(client.get(&name.call(), &[]).await?, RECORD)),
        Repo::Create { name, kind, description } => {
            let mut body = json!({"protocol": name.protocol.0, "name": name.name, "kind": kind});
            if let Some(description) = description {
                body["description"] = Value::String(description);
            }
            Ok(Outcome::record(client.post(&["repositories"], &[], &body).await?, RECORD))
        }
        Repo::Set { name, description } => {
            let body = json!({"description": description});
            Ok(Outcome::record(client.patch(&name.call(), &body).await?, RECORD))
        }
        Repo::Delete { name, yes } => {
            confirm(&format!("Delete repository {name} with all that is in it?"), yes)?;
            client.delete(&name.call()).await?;
            Ok(Outcome::done(format!("Repository {name} deleted.")))
        }
    }
}
