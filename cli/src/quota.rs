//! `larder quota`.

use crate::context::Context;
use crate::failure::Failure;
use crate::limit::{ByteLimit, CountLimit};
use crate::outcome::Outcome;
use crate::table::Table;
use clap::{Args, Subcommand};
use larder_api::{NewSharedQuota, QuotaChange};
use larder_model::Pattern;

/// What can be done to quotas that repositories share.
#[derive(Subcommand, Debug)]
pub enum Quota {
    /// List quotas that repositories share, and how much of them is used.
    List,
    /// Have all hosted repositories that a pattern fits share a quota, those that come later too.
    Create {
        /// Protocol and name, with * for any run of characters, e.g. 'oci/team-*'.
        repositories: Pattern,
        #[command(flatten)]
        limits: Limits,
    },
    /// Set other limits; what is not given stays.
    Set {
        /// The quota's id, as the list shows it.
        id: u64,
        #[command(flatten)]
        limits: Limits,
    },
    /// Take a quota away.
    Delete {
        /// The quota's id, as the list shows it.
        id: u64,
    },
}

/// How much is allowed at most.
#[derive(Args, Debug, Clone, Copy)]
#[group(required = true, multiple = true)]
pub struct Limits {
    /// Bytes of all of them together, e.g. 10GiB; none is no limit.
    #[arg(long, value_name = "SIZE|none")]
    bytes: Option<ByteLimit>,
    /// Versions, of images tags, of all of them together; none is no limit.
    #[arg(long, value_name = "NUMBER|none")]
    versions: Option<CountLimit>,
}

const LIST: Table = Table::new(
    &[
        ("ID", "id"),
        ("REPOSITORIES", "repositories"),
        ("BYTES", "bytes"),
        ("USED", "usage/bytes"),
        ("VERSIONS", "versions"),
        ("USED", "usage/versions"),
        ("WARNING", "warning"),
    ],
    &["id"],
)
.with(&[("BY", "created_by"), ("CREATED", "created_at")]);
const QUOTA: Table = Table::new(
    &[
        ("Id", "id"),
        ("Repositories", "repositories"),
        ("Bytes", "bytes"),
        ("Bytes used", "usage/bytes"),
        ("Versions", "versions"),
        ("Versions used", "usage/versions"),
        ("Warning", "warning"),
        ("By", "created_by"),
        ("Created", "created_at"),
    ],
    &["id"],
);

pub(crate) async fn quota(command: Quota, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        Quota::List => Ok(Outcome::list(client.all(&["quotas"], &[]).await?, &LIST)),
        Quota::Create {
            repositories,
            limits,
        } => {
            let new = NewSharedQuota {
                repositories,
                bytes: limits.bytes.and_then(ByteLimit::limit),
                versions: limits.versions.and_then(CountLimit::limit),
            };
            let made = client.post(&["quotas"], &[], &new).await?;
            Ok(Outcome::record(made, &QUOTA))
        }
        Quota::Set { id, limits } => {
            let change = QuotaChange {
                bytes: ByteLimit::patch(limits.bytes),
                versions: CountLimit::patch(limits.versions),
            };
            let set = client.patch(&["quotas", &id.to_string()], &change).await?;
            Ok(Outcome::record(set, &QUOTA))
        }
        Quota::Delete { id } => {
            cx.confirm(&format!("Take away the quota {id}?"))?;
            client.delete(&["quotas", &id.to_string()]).await?;
            Ok(Outcome::done(format!("Quota {id} is gone.")))
        }
    }
}
