//! `larder group`.

use crate::arguments::filters;
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::{GroupChange, NewGroup};
use larder_model::UserName;

/// What can be done to groups.
#[derive(Subcommand, Debug)]
pub enum Group {
    /// List groups.
    List {
        /// Those whose names begin so.
        #[arg(long)]
        prefix: Option<String>,
    },
    /// Show one group.
    Show {
        /// The group's name.
        name: UserName,
    },
    /// Make a group.
    Create {
        /// The group's name.
        name: UserName,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
    },
    /// Change a group.
    Set {
        /// The group's name.
        name: UserName,
        /// What it is for.
        #[arg(long)]
        description: String,
    },
    /// Delete a group with its grants; its members stay.
    Delete {
        /// The group's name.
        name: UserName,
    },
    /// List the members of a group.
    Members {
        /// The group's name.
        name: UserName,
    },
    /// Put members into a group.
    Add {
        /// The group's name.
        name: UserName,
        /// Who: a user's name, or user:NAME, robot:NAME, group:NAME.
        #[arg(required = true, value_name = "MEMBER")]
        members: Vec<String>,
    },
    /// Take members out of a group.
    Remove {
        /// The group's name.
        name: UserName,
        /// Who: a user's name, or user:NAME, robot:NAME, group:NAME.
        #[arg(required = true, value_name = "MEMBER")]
        members: Vec<String>,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("DESCRIPTION", "description"),
        ("CREATED", "created_at"),
    ],
    &["name"],
);
const RECORD: Table = Table::new(
    &[
        ("Name", "name"),
        ("Description", "description"),
        ("Created", "created_at"),
    ],
    &["name"],
);
const MEMBERS: Table = Table::new(&[("MEMBER", "member"), ("SINCE", "added_at")], &["member"]);

pub(crate) async fn group(command: Group, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Group::List { prefix } => {
            let filters = filters([("prefix", prefix.as_deref())]);
            Ok(Outcome::list(
                client.all(&["groups"], &filters).await?,
                &LIST,
            ))
        }
        Group::Show { name } => {
            let shown = client.get(&["groups", name.as_str()], &[]).await?;
            Ok(Outcome::record(shown, &RECORD))
        }
        Group::Create { name, description } => {
            let body = NewGroup { name, description };
            let made = client.post(&["groups"], &[], &body).await?;
            Ok(Outcome::record(made, &RECORD))
        }
        Group::Set { name, description } => {
            let body = GroupChange {
                description: Some(description),
            };
            let changed = client.patch(&["groups", name.as_str()], &body).await?;
            Ok(Outcome::record(changed, &RECORD))
        }
        Group::Delete { name } => {
            cx.confirm(&format!("Delete group {name} with its grants?"))?;
            client.delete(&["groups", name.as_str()]).await?;
            Ok(Outcome::done(format!("Group {name} deleted.")))
        }
        Group::Members { name } => {
            let path = ["groups", name.as_str(), "members"];
            Ok(Outcome::list(client.all(&path, &[]).await?, &MEMBERS))
        }
        Group::Add { name, members } => {
            for member in &members {
                client
                    .put(&["groups", name.as_str(), "members", member])
                    .await?;
            }
            let members = members.join(", ");
            Ok(Outcome::done(format!("In group {name} now: {members}.")))
        }
        Group::Remove { name, members } => {
            for member in &members {
                client
                    .delete(&["groups", name.as_str(), "members", member])
                    .await?;
            }
            let members = members.join(", ");
            Ok(Outcome::done(format!(
                "Out of group {name} now: {members}."
            )))
        }
    }
}
