//! How upstreams fare.

use crate::Api;
use crate::endpoint::RepoPath;
use crate::fields::Fields;
use crate::page::{List, Page};
use crate::reply::ok;
use crate::repositories::path_of;
use larder_access::Admission;
use larder_metadata::repos::RepoRecord;
use larder_model::upstream::{Checked, Health, PausedOrigin};
use larder_model::{Problem, Reply, RepoKind, Timestamp, Verb};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Asked {
    repository: String,
    url: Option<String>,
    #[serde(flatten)]
    checked: Checked,
    paused_origins: Vec<ShownOrigin>,
}

#[derive(Serialize)]
struct Shown {
    repository: String,
    url: String,
    /// `offline`, `paused`, `failing`, `answering`, or `unasked` since the server began or the
    /// mirror was changed.
    state: &'static str,
    /// Failures in a row.
    failures: u32,
    /// Until then it is not asked.
    paused_until: Option<String>,
    last_error: Option<LastError>,
    /// Other origins that its indexes name and that are not asked for a while.
    paused_origins: Vec<ShownOrigin>,
}

#[derive(Serialize)]
struct LastError {
    at: String,
    reason: Box<str>,
}

#[derive(Serialize)]
struct ShownOrigin {
    origin: Box<str>,
    paused_until: String,
    reason: Box<str>,
}

impl ShownOrigin {
    fn all(health: Vec<PausedOrigin>, now: Timestamp) -> Vec<Self> {
        let shown = |paused: PausedOrigin| Self {
            origin: paused.origin,
            paused_until: now.after(paused.pause).to_string(),
            reason: paused.reason,
        };
        health.into_iter().map(shown).collect()
    }
}

fn state(offline: bool, health: Option<&Health>) -> &'static str {
    match health {
        _ if offline => "offline",
        None => "unasked",
        Some(health) if health.pause.is_some() => "paused",
        Some(health) if health.failures > 0 => "failing",
        Some(_) => "answering",
    }
}

impl Api {
    /// Upstreams of the mirrors that the caller looks after.
    pub(crate) fn list_upstreams(
        &self,
        admission: &Admission,
        page: &Page,
    ) -> Result<Reply, Problem> {
        let policy = self.gate.policy();
        let mut repos: Vec<(String, &Arc<RepoRecord>)> = policy
            .repos()
            .map(|repo| (path_of(repo).to_string(), repo))
            .filter(|(key, _)| *key > page.after)
            .collect();
        repos.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mine = repos
            .into_iter()
            .filter(|(_, repo)| admission.may(&path_of(repo).permission(Verb::Administer)));
        let shown = mine
            .filter_map(|(repository, repo)| self.upstream_of(repository, repo))
            .take(page.limit + 1);
        ok(&List::of(shown.collect(), page.limit, |shown| {
            shown.repository.clone()
        }))
    }

    /// How a mirror's upstream fares; `None` if it has none.
    fn upstream_of(&self, repository: String, repo: &RepoRecord) -> Option<Shown> {
        let (settings, now) = (repo.settings.clone(), self.metadata.now());
        let url = settings.upstream?.url;
        let health = self.engine.health(repo);
        let offline = settings.offline || self.gate.policy().is_offline();
        let state = state(offline, health.as_ref());
        let health = health.unwrap_or_default();
        let last_error = health.last_error.map(|(reason, ago)| {
            let ago = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
            LastError {
                at: Timestamp(now.0.saturating_sub(ago)).to_string(),
                reason,
            }
        });
        let paused_until = health.pause.map(|pause| now.after(pause).to_string());
        Some(Shown {
            repository,
            url,
            state,
            failures: health.failures,
            paused_until,
            last_error,
            paused_origins: ShownOrigin::all(health.paused_origins, now),
        })
    }

    /// Asks the upstream of a mirror now.
    pub(crate) async fn check_upstream(
        &self,
        admission: &Admission,
        path: &RepoPath,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        admission.require(&path.permission(Verb::Administer))?;
        Fields::read(body)?.finish()?;
        let repo = self.repo(path)?;
        if repo.kind != RepoKind::Mirror {
            return Err(Problem::invalid(
                "repository",
                format!("{path} is no mirror: it has no upstream"),
            ));
        }
        let checked = self.engine.check_upstream(&repo).await?;
        let health = self.engine.health(&repo).unwrap_or_default();
        let by = &admission.principal().label;
        tracing::info!(%by, repository = %path, ok = checked.ok, problem = checked.problem, "upstream checked");
        ok(&Asked {
            repository: path.to_string(),
            url: repo
                .settings
                .upstream
                .as_ref()
                .map(|upstream| upstream.url.clone()),
            checked,
            paused_origins: ShownOrigin::all(health.paused_origins, self.metadata.now()),
        })
    }
}
