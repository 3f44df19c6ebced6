//! `larder session`.

use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Subcommand;

/// What can be done to sessions.
#[derive(Subcommand, Debug)]
pub enum Session {
    /// List sessions that have not ended: yours, or for superusers all.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
    },
    /// End a session: its browser must sign in again.
    End {
        /// The session's id, as the list shows it.
        id: u64,
    },
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("OWNER", "owner"),
        ("CREATED", "created_at"),
        ("LAST USED", "last_used_at"),
        ("EXPIRES", "expires_at"),
        ("FROM", "address"),
        ("BROWSER", "user_agent"),
    ],
    &["id"],
);

pub(crate) async fn session(command: Session, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = cx.client()?;
    match command {
        Session::List { owner } => {
            let owner = owner.as_deref().map(|owner| ("owner", owner));
            let owner: Vec<_> = owner.into_iter().collect();
            Ok(Outcome::list(
                client.all(&["sessions"], &owner).await?,
                &LIST,
            ))
        }
        Session::End { id } => {
            cx.confirm(&format!("End session {id}?"))?;
            client.delete(&["sessions", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Session {id} ended.")))
        }
    }
}
