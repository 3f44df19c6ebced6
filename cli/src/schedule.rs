//! `larder schedule`.

use crate::context::Context;
use crate::failure::Failure;
use crate::job::job_kinds;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;
use larder_api::NewSchedule;
use larder_model::Cron;

/// What can be done to schedules, by which jobs begin by themselves.
#[derive(Subcommand, Debug)]
pub enum Schedule {
    /// List when jobs of each kind begin by themselves.
    List,
    /// Say when jobs of a kind begin by themselves.
    Set {
        /// What the jobs do.
        #[arg(value_parser = job_kinds())]
        kind: String,
        /// Five fields in UTC: minute, hour, day of month, month, day of week, e.g. '0 3 * * mon-fri'.
        cron: Cron,
        /// Let none begin by itself for now.
        #[arg(long)]
        disable: bool,
    },
}

const LIST: Table = Table::new(
    &[
        ("KIND", "kind"),
        ("CRON", "cron"),
        ("ENABLED", "enabled"),
        ("NEXT", "next"),
        ("LAST", "last/created_at"),
        ("ENDED", "last/state"),
    ],
    &["kind"],
);
const SCHEDULE: Table = Table::new(
    &[
        ("Kind", "kind"),
        ("Cron", "cron"),
        ("Enabled", "enabled"),
        ("Next", "next"),
        ("Last", "last/created_at"),
        ("Last ended", "last/state"),
    ],
    &["kind"],
);

pub(crate) async fn schedule(command: Schedule, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = cx.client()?;
    match command {
        Schedule::List => Ok(Outcome::list(client.all(&["schedules"], &[]).await?, &LIST)),
        Schedule::Set {
            kind,
            cron,
            disable,
        } => {
            let new = NewSchedule {
                cron: cron.to_string(),
                enabled: Some(!disable),
            };
            let set = client.put_with(&["schedules", &kind], &new).await?;
            Ok(Outcome::record(set, &SCHEDULE))
        }
    }
}
