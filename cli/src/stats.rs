//! `larder stats`.

use crate::arguments::moment;
use crate::context::Context;
use crate::failure::Failure;
use crate::job::{leave, wait};
use crate::outcome::Outcome;
use crate::span::counted;
use crate::table::Table;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use larder_api::{Job, NewUsageCount};
use larder_model::{RepoPath, SeriesName, Timestamp};
use std::time::Duration;

/// What is kept, how it is used and how the server fares.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Stats {
    #[command(subcommand)]
    command: Option<StatsCommand>,
}

/// What can be asked beside the numbers of now.
#[derive(Subcommand, Debug)]
pub enum StatsCommand {
    /// Show the values of a series by the hour or the day; without a name, list the series.
    Series {
        /// The series, e.g. requests.
        #[arg(value_parser = names())]
        name: Option<String>,
        /// From so long ago on, or from this time (7d, 12h, 2030-01-31).
        #[arg(long, value_name = "TIME", value_parser = past, requires = "name")]
        since: Option<Past>,
        /// Before this time, or so long ago; now, if it is absent.
        #[arg(long, value_name = "TIME", value_parser = past, requires = "name")]
        until: Option<Past>,
        /// The time that a value is of.
        #[arg(long, value_parser = ["hour", "day"], requires = "name")]
        step: Option<String>,
        /// Only of this protocol or upstream, e.g. npm or npm/upstream.
        #[arg(long, value_name = "LABEL", requires = "name")]
        part: Option<String>,
    },
    /// List what holds bytes, the largest first, as it was last counted.
    Usage {
        /// What is listed.
        #[arg(long, default_value = "repository", value_parser = ["repository", "protocol", "package"])]
        by: String,
        /// Only packages of this repository.
        #[arg(long, value_name = "REPO")]
        repository: Option<RepoPath>,
        /// How many at most, up to 1000.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Count anew what holds bytes, and wait until that is done. It begins by itself every hour.
    Count {
        /// Do not wait: print the job, and leave it to the server.
        #[arg(long)]
        no_wait: bool,
    },
}

/// A time that is past.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Past {
    /// So long ago.
    Ago(Duration),
    /// At this moment.
    At(Timestamp),
}

fn past(text: &str) -> Result<Past, &'static str> {
    if let Some(seconds) = counted(text) {
        return Ok(Past::Ago(Duration::from_secs(seconds)));
    }
    let forms = "write how long ago (12h, 7d) or a time (2030-01-31, 2030-01-31T12:00:00Z)";
    moment(text).map(Past::At).map_err(|_| forms)
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(SeriesName::ALL.iter().map(|name| name.word()))
}

const NOW: Table = Table::new(
    &[
        ("Bytes", "total/bytes"),
        ("Unique bytes", "total/unique_bytes"),
        ("Shared bytes", "total/shared_bytes"),
        ("Saved bytes", "total/saved_bytes"),
        ("Unnamed bytes", "unnamed_bytes"),
        ("Blobs", "total/blobs"),
        ("Repositories", "total/repositories"),
        ("Packages", "total/packages"),
        ("Versions", "total/versions"),
        ("Counted", "as_of"),
        ("Free on disk", "disk/free_bytes"),
        ("Requests in 24 h", "last_24h/requests"),
        ("Failed", "last_24h/server_errors"),
        ("Denied", "last_24h/denied_requests"),
        ("Hit rate", "last_24h/hit_rate"),
        ("95 % within s", "last_24h/request_duration_seconds/p95"),
        ("Sent bytes", "last_24h/sent_bytes"),
        ("Received bytes", "last_24h/received_bytes"),
        ("Fetched bytes", "last_24h/upstream_bytes"),
        ("Freed bytes", "last_24h/collected_bytes"),
        ("Users", "users"),
        ("Robots", "robots"),
        ("Queued jobs", "queued_jobs"),
        ("Running jobs", "running_jobs"),
        ("Collector's queue", "collector_queue"),
        ("Last collection", "last_gc/finished_at"),
        ("Last backup", "last_backup/finished_at"),
    ],
    &["as_of"],
);
const ALL: Table = Table::new(
    &[
        ("NAME", "name"),
        ("UNIT", "unit"),
        ("VALUE", "value"),
        ("BY", "label"),
        ("DESCRIPTION", "description"),
    ],
    &["name"],
);
const VALUES: Table = Table::new(
    &[
        ("AT", "at"),
        ("VALUE", "value"),
        ("P50", "quantiles/p50"),
        ("P95", "quantiles/p95"),
        ("P99", "quantiles/p99"),
        ("PARTS", "parts"),
    ],
    &["at"],
);
const USAGE: Table = Table::new(
    &[
        ("PROTOCOL", "protocol"),
        ("REPOSITORY", "repository"),
        ("PACKAGE", "package"),
        ("BYTES", "bytes"),
        ("UNIQUE", "unique_bytes"),
        ("SHARED", "shared_bytes"),
        ("VERSIONS", "versions"),
    ],
    &["protocol", "repository", "package"],
);

pub(crate) async fn stats(args: Stats, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let Some(command) = args.command else {
        let now = client.get(&["stats"], &[]).await?;
        return Ok(Outcome::record(now, &NOW));
    };
    match command {
        StatsCommand::Series {
            name,
            since,
            until,
            step,
            part,
        } => {
            let Some(name) = name else {
                let all = client.get(&["stats", "series"], &[]).await?;
                return Ok(Outcome::list(all, &ALL));
            };
            let now = cx.env.clock.now();
            let time = |time: Past| match time {
                Past::Ago(ago) => Timestamp(now.before(ago).seconds() * 1_000_000).to_string(),
                Past::At(moment) => moment.to_string(),
            };
            let given = [
                ("name", Some(name)),
                ("since", since.map(time)),
                ("until", until.map(time)),
                ("step", step),
                ("part", part),
            ];
            let query = given
                .iter()
                .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
            let query: Vec<_> = query.collect();
            let series = client.get(&["stats", "series"], &query).await?;
            Ok(Outcome::list(series, &VALUES))
        }
        StatsCommand::Usage {
            by,
            repository,
            limit,
        } => {
            let repository = repository.map(|repository| repository.to_string());
            let limit = limit.to_string();
            let mut query = vec![("by", &*by), ("limit", &*limit)];
            query.extend(repository.as_deref().map(|it| ("repository", it)));
            let usage = client.get(&["stats", "usage"], &query).await?;
            let (is_whole, counted) = (usage["next"].is_null(), !usage["as_of"].is_null());
            let outcome = Outcome::list(usage, &USAGE);
            Ok(match (counted, is_whole) {
                (false, _) => outcome.noting("nothing was counted yet: larder stats count"),
                (true, false) => outcome.noting("there is more: a higher --limit shows it"),
                (true, true) => outcome,
            })
        }
        StatsCommand::Count { no_wait } => {
            let path = ["stats", "usage", "runs"];
            let answer = client.post(&path, &[], &NewUsageCount {}).await?;
            if no_wait {
                return leave(client, answer);
            }
            let job: Job = client.read(&answer, "a job")?;
            Ok(wait(client, &job.id, cx).await?.0)
        }
    }
}

#[cfg(test)]
mod tests;
