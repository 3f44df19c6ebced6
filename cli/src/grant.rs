//! `larder grant`.

use crate::client::Client;
use crate::command::Grant;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Column;
use crate::terminal::confirm;
use larder_api::NewGrant;

const LIST: &[Column] = &[
    ("ID", "id"),
    ("SUBJECT", "subject"),
    ("REPOSITORY", "repository"),
    ("PACKAGE", "package"),
    ("ROLE", "role"),
    ("CREATED", "created_at"),
    ("BY", "created_by"),
];
const RECORD: &[Column] = &[
    ("Id", "id"),
    ("Subject", "subject"),
    ("Repository", "repository"),
    ("Package", "package"),
    ("Role", "role"),
];

pub(crate) async fn grant(command: Grant, client: &Client) -> Result<Outcome, Failure> {
    match command {
        Grant::List => Ok(Outcome::list(client.all(&["grants"], &[]).await?, LIST)),
        Grant::Create {
            subject,
            repository,
            role,
            package,
        } => {
            let body = NewGrant {
                subject,
                repository,
                package,
                role,
                networks: None,
            };
            let made = client.post(&["grants"], &[], &body).await?;
            Ok(Outcome::record(made, RECORD))
        }
        Grant::Delete { id, yes } => {
            confirm(&format!("Take grant {id} back?"), yes)?;
            client.delete(&["grants", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Grant {id} taken back.")))
        }
    }
}
