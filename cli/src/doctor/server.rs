//! What the server tells of itself, of its storage and of its upstreams, as far as the caller may
//! know.

use crate::client::Client;
use crate::doctor::clock;
use crate::doctor::finding::Finding;
use crate::escape::plain;
use crate::failure::Failure;
use larder_api::{
    Caller, DiskSpace, List, PartHealth, RepoKind, Repository, SystemHealth, UpstreamState,
    UpstreamStatus,
};
use larder_model::Timestamp;

/// A disk is too full with less than this part of it free, or less than so many bytes.
const FREE_PART: u64 = 100;
const FREE_BYTES: u64 = 256 << 20;

/// What was found; empty of all else if the server cannot be reached.
pub(crate) async fn look(client: &Client, now: Timestamp) -> Result<Vec<Finding>, Failure> {
    let server = client.server();
    let (caller, date) = match client.greet().await {
        Ok(greeted) => greeted,
        Err(failure) => {
            let report = failure.report();
            let fix = report
                .advice
                .unwrap_or_else(|| "larder login URL".to_owned());
            return Ok(vec![Finding::problem("server", failure.to_string(), fix)]);
        }
    };
    let caller: Caller = client.read(&caller, "a caller")?;
    let mut found = vec![Finding::ok("server", format!("{server} answers"))];
    found.push(clock::compare(date.as_deref(), now));
    found.push(match client.ready().await {
        Ok(()) => Finding::ok("ready", "the server reaches its database and its store"),
        Err(failure) => Finding::problem(
            "ready",
            failure.to_string(),
            "larder check  # on the server's machine; its log says why",
        ),
    });
    let Some(name) = caller.name else {
        let detail = "nobody is logged in, so upstreams, storage and rights are not looked at";
        let fix = format!("larder login {server}");
        found.push(Finding::problem("login", detail, fix));
        return Ok(found);
    };
    found.push(Finding::ok("login", format!("you are {name}")));
    found.extend(system(client).await?);
    // Only who administers a mirror is told of its upstream.
    let sees_all = caller.superuser && !caller.limited;
    found.extend(upstreams(client, sees_all).await?);
    Ok(found)
}

async fn system(client: &Client) -> Result<Vec<Finding>, Failure> {
    let answer = match client.get(&["system", "health"], &[]).await {
        Ok(answer) => answer,
        Err(Failure::Refused { status: 403, .. }) => {
            let detail = "only a superuser may see how the database, the store and the disk fare";
            return Ok(vec![Finding::note("storage", detail)]);
        }
        Err(Failure::Refused { status: 404, .. }) => {
            let detail = "this server does not tell how its database, store and disk fare";
            return Ok(vec![Finding::note("storage", detail)]);
        }
        Err(failure) => return Err(failure),
    };
    let health: SystemHealth = client.read(&answer, "the health of a server")?;
    Ok(vec![
        version(&health.version),
        part("database", &health.database),
        part("storage", &health.storage),
        disk(health.disk),
    ])
}

fn version(theirs: &str) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let theirs = plain(theirs);
    if theirs == ours {
        return Finding::ok("version", format!("{ours} here and there"));
    }
    Finding::note(
        "version",
        format!("the server has {theirs}, this program is {ours}"),
    )
}

fn part(name: &str, health: &PartHealth) -> Finding {
    if health.ok {
        return Finding::ok(name, "it answers");
    }
    let problem = health.problem.as_deref().unwrap_or("it is not well");
    let fix = "larder check  # on the server's machine; its log says why";
    Finding::problem(name, plain(problem), fix)
}

pub(crate) fn disk(space: Option<DiskSpace>) -> Finding {
    let Some(DiskSpace {
        free_bytes,
        total_bytes,
    }) = space
    else {
        return Finding::note("disk", "the server cannot tell how much room is left");
    };
    let mib = |bytes: u64| bytes >> 20;
    let detail = format!(
        "{} MiB of {} MiB are free",
        mib(free_bytes),
        mib(total_bytes)
    );
    if free_bytes < FREE_BYTES || free_bytes < total_bytes / FREE_PART {
        let fix = "make room on the disk of the server's data folder";
        return Finding::problem("disk", detail, fix);
    }
    Finding::ok("disk", detail)
}

async fn upstreams(client: &Client, sees_all: bool) -> Result<Vec<Finding>, Failure> {
    let repos = client.all(&["repositories"], &[]).await?;
    let repos: List<Repository> = client.read(&repos, "a list of repositories")?;
    let all = client.all(&["upstreams"], &[]).await?;
    let all: List<UpstreamStatus> = client.read(&all, "a list of upstreams")?;
    let mut found: Vec<Finding> = all.items.iter().map(upstream).collect();
    for repo in repos.items {
        let without = repo.kind == RepoKind::Mirror && repo.upstream.is_none();
        if sees_all && without && repo.offline != Some(true) {
            let path = format!("{}/{}", repo.protocol, repo.name);
            found.push(
                Finding::note(format!("upstream {path}"), "the mirror has no upstream yet")
                    .fixed_by(format!("larder repo set {path} --upstream URL")),
            );
        }
    }
    Ok(found)
}

fn upstream(status: &UpstreamStatus) -> Finding {
    let path = &status.repository;
    let check = format!("upstream {path}");
    let reason = || {
        let last = status.last_error.as_ref();
        last.map_or_else(String::new, |last| format!(": {}", plain(&last.reason)))
    };
    let fix = format!("larder upstream check {path}");
    match status.state {
        UpstreamState::Offline => Finding::note(check, "it is offline: nothing is fetched"),
        UpstreamState::Paused => Finding::problem(
            check,
            format!("it is not asked for a while{}", reason()),
            fix,
        ),
        UpstreamState::Failing => {
            Finding::problem(check, format!("it failed the last time{}", reason()), fix)
        }
        UpstreamState::Answering => Finding::ok(check, "it answers"),
        UpstreamState::Unasked => {
            Finding::ok(check, "it was not asked since the server began").fixed_by(fix)
        }
    }
}
