//! `larder grant`.

use crate::arguments::{filters, roles};
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::NewGrant;
use larder_model::{Pattern, Role};

/// What can be done to grants.
#[derive(Subcommand, Debug)]
pub enum Grant {
    /// List the grants on repositories that you administer.
    List {
        /// Those of this subject: user:NAME, group:NAME, robot:NAME, authenticated or anonymous.
        #[arg(long)]
        subject: Option<String>,
        /// Those whose pattern of repositories is written exactly so.
        #[arg(long, value_name = "PATTERN")]
        repository: Option<String>,
    },
    /// Give a role to someone.
    Create {
        /// To whom: user:NAME, group:NAME, robot:NAME, authenticated or anonymous.
        subject: String,
        /// Where: protocol/name, with * for any run of characters, e.g. 'oci/team-*'.
        repository: Pattern,
        /// As what.
        #[arg(long, value_parser = roles())]
        role: Role,
        /// Only for these packages, with * for any run of characters [default: all].
        #[arg(long)]
        package: Option<Pattern>,
        /// Changes only these refs, e.g. 'refs/heads/*', of repositories with refs [default: all].
        #[arg(long = "ref", value_name = "PATTERN")]
        refs: Option<Pattern>,
        /// Only from these networks, e.g. 10.0.0.0/8, for anonymous alone; can be given more than
        /// once [default: from everywhere].
        #[arg(long = "network", value_name = "NETWORK")]
        networks: Vec<String>,
    },
    /// Take a grant back.
    Delete {
        /// The grant's id, as the list shows it.
        id: u64,
    },
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("SUBJECT", "subject"),
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("REF", "ref"),
        ("ROLE", "role"),
        ("NETWORKS", "networks"),
        ("CREATED", "created_at"),
        ("BY", "created_by"),
    ],
    &["id"],
);
const RECORD: Table = Table::new(
    &[
        ("Id", "id"),
        ("Subject", "subject"),
        ("Repository", "repository"),
        ("Package", "package"),
        ("Ref", "ref"),
        ("Role", "role"),
        ("Networks", "networks"),
    ],
    &["id"],
);

pub(crate) async fn grant(command: Grant, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Grant::List {
            subject,
            repository,
        } => {
            let filters = filters([
                ("subject", subject.as_deref()),
                ("repository", repository.as_deref()),
            ]);
            Ok(Outcome::list(
                client.all(&["grants"], &filters).await?,
                &LIST,
            ))
        }
        Grant::Create {
            subject,
            repository,
            role,
            package,
            refs,
            networks,
        } => {
            let body = NewGrant {
                subject,
                repository,
                package,
                refs,
                role,
                networks: Some(networks).filter(|networks| !networks.is_empty()),
            };
            let made = client.post(&["grants"], &[], &body).await?;
            let warning = made["warning"].as_str().map(str::to_owned);
            let outcome = Outcome::record(made, &RECORD);
            Ok(match warning {
                Some(warning) => outcome.noting(&warning),
                None => outcome,
            })
        }
        Grant::Delete { id } => {
            cx.confirm(&format!("Take grant {id} back?"))?;
            client.delete(&["grants", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Grant {id} taken back.")))
        }
    }
}
