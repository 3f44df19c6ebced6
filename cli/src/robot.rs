//! `larder robot`.

use crate::arguments::{filters, flag};
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::{ArgAction, Subcommand};
use larder_api::{NewRobot, RobotChange};
use larder_model::UserName;

/// What can be done to robots.
#[derive(Subcommand, Debug)]
pub enum Robot {
    /// List robots: all for superusers, else those for which you answer.
    List {
        /// Those whose names begin so.
        #[arg(long)]
        prefix: Option<String>,
        /// Those that may do nothing for now, or those that may.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        disabled: Option<bool>,
        /// Those for whom this user answers, as user:NAME.
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
    },
    /// Show one robot.
    Show {
        /// The robot's name.
        name: UserName,
    },
    /// Make a robot. It may nothing until grants are given to robot:NAME.
    Create {
        /// The robot's name.
        name: UserName,
        /// Who answers for it, as user:NAME [default: you].
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
    },
    /// Change a robot.
    Set {
        /// The robot's name.
        name: UserName,
        /// Who answers for it from now on, as user:NAME; for superusers.
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
        /// Whether it may do nothing.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        disabled: Option<bool>,
    },
    /// Delete a robot with its tokens and grants.
    Delete {
        /// The robot's name.
        name: UserName,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("OWNER", "owner"),
        ("DISABLED", "disabled"),
        ("DESCRIPTION", "description"),
        ("CREATED", "created_at"),
    ],
    &["name"],
);
const RECORD: Table = Table::new(
    &[
        ("Name", "name"),
        ("Owner", "owner"),
        ("Disabled", "disabled"),
        ("Description", "description"),
        ("Groups", "groups"),
        ("Created", "created_at"),
    ],
    &["name"],
);

pub(crate) async fn robot(command: Robot, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Robot::List {
            prefix,
            disabled,
            owner,
        } => {
            let filters = filters([
                ("prefix", prefix.as_deref()),
                ("disabled", disabled.map(flag)),
                ("owner", owner.as_deref()),
            ]);
            Ok(Outcome::list(
                client.all(&["robots"], &filters).await?,
                &LIST,
            ))
        }
        Robot::Show { name } => {
            let shown = client.get(&["robots", name.as_str()], &[]).await?;
            Ok(Outcome::record(shown, &RECORD))
        }
        Robot::Create {
            name,
            owner,
            description,
        } => {
            let body = NewRobot {
                name,
                description,
                owner,
            };
            let made = client.post(&["robots"], &[], &body).await?;
            Ok(Outcome::record(made, &RECORD))
        }
        Robot::Set {
            name,
            owner,
            description,
            disabled,
        } => {
            if owner.is_none() && description.is_none() && disabled.is_none() {
                return Err(Failure::Usage(
                    "nothing to change: give --owner, --description or --disabled".to_owned(),
                ));
            }
            let body = RobotChange {
                description,
                owner,
                disabled,
            };
            let changed = client.patch(&["robots", name.as_str()], &body).await?;
            Ok(Outcome::record(changed, &RECORD))
        }
        Robot::Delete { name } => {
            cx.confirm(&format!("Delete robot {name} with its tokens and grants?"))?;
            client.delete(&["robots", name.as_str()]).await?;
            Ok(Outcome::done(format!("Robot {name} deleted.")))
        }
    }
}
