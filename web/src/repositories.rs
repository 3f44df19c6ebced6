//! Repositories.

use crate::Api;
use crate::endpoint::{RepoPath, no_repo};
use crate::fields::{Fields, needed};
use crate::page::{List, Page};
use crate::reply::{created, gone, ok};
use crate::upstreams::{self, Change};
use larder_access::Admission;
use larder_metadata::Error;
use larder_metadata::people::Grant;
use larder_metadata::repos::RepoRecord;
use larder_model::{Kind, Problem, ProtocolName, Reply, RepoSettings, Role, Verb};
use serde::Serialize;
use std::sync::Arc;

/// Characters of a description.
const DESCRIPTION: usize = 1000;

/// A repository as the API shows it.
#[derive(Serialize)]
struct Shown<'a> {
    protocol: &'a str,
    name: &'a str,
    kind: &'a str,
    description: &'a str,
    created_at: String,
    #[serde(flatten)]
    settings: upstreams::Shown,
}

impl<'a> Shown<'a> {
    /// Where a mirror's upstream is, and as whom it is asked, is for those who look after it.
    fn of(repo: &'a RepoRecord, admission: &Admission) -> Self {
        let mut settings = settings_of(repo);
        if !admission.may(&path_of(repo).permission(Verb::Administer)) {
            settings.upstream = None;
        }
        Self {
            protocol: repo.protocol.0,
            name: repo.name.as_str(),
            kind: &repo.kind,
            description: &repo.description,
            created_at: repo.created_at.to_string(),
            settings: upstreams::Shown::of(&repo.kind, settings),
        }
    }

    fn key(&self) -> String {
        format!("{}/{}", self.protocol, self.name)
    }
}

pub(crate) fn settings_of(repo: &RepoRecord) -> RepoSettings {
    RepoSettings::read(&repo.settings).unwrap_or_else(|error| {
        tracing::error!(%error, repository = %path_of(repo), "a repository's settings cannot be read");
        RepoSettings::default()
    })
}

pub(crate) fn path_of(repo: &RepoRecord) -> RepoPath {
    RepoPath {
        protocol: repo.protocol,
        name: repo.name.clone(),
    }
}

impl Api {
    pub(crate) fn list_repositories(
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
        let visible = repos
            .iter()
            .filter(|(_, repo)| admission.may(&path_of(repo).permission(Verb::Read)));
        let shown = visible
            .take(page.limit + 1)
            .map(|(_, repo)| Shown::of(repo, admission))
            .collect();
        ok(&List::of(shown, page.limit, Shown::key))
    }

    pub(crate) async fn create_repository(
        &self,
        admission: &Admission,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let mut fields = Fields::read(body)?;
        let path = RepoPath {
            protocol: needed(fields.parsed("protocol")?, "protocol")?,
            name: needed(fields.parsed("name")?, "name")?,
        };
        let kind = fields.text("kind")?;
        let description = description(&mut fields)?.unwrap_or_default();
        let change = Change::read(&mut fields)?;
        fields.finish()?;
        admission.require(&path.permission(Verb::Administer))?;
        let kind = self.creatable(path.protocol, kind.as_deref().unwrap_or("hosted"))?;
        let settings = change.apply(self, admission, &path, kind, RepoSettings::default())?;
        let public = settings
            .upstream
            .as_ref()
            .is_some_and(|upstream| upstream.password.is_none());
        let settings = settings.write();
        let repo = match self
            .metadata
            .add_repo(path.protocol, &path.name, kind, &description, &settings)
            .await
        {
            Ok(repo) => repo,
            Err(Error::Exists(_)) => {
                return Err(Problem::new(
                    Kind::Conflict,
                    "repository",
                    format!("there is already a repository {path}"),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        if public {
            // What anyone can read upstream anyone can read here, until someone takes the grant
            // away.
            self.open_to_all(&path, &admission.principal().label)
                .await?;
        }
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, repository = %path, public, "repository created");
        created(
            format_args!("/repositories/{path}"),
            &Shown::of(&repo, admission),
        )
    }

    async fn open_to_all(&self, path: &RepoPath, by: &str) -> Result<(), Problem> {
        let row = Grant {
            id: self.metadata.new_id(),
            subject: "anonymous".into(),
            repository: path.to_string().parse().map_err(Problem::internal)?,
            package: "*".parse().map_err(Problem::internal)?,
            role: Role::Reader,
            created_at: self.metadata.now(),
            created_by: by.into(),
        };
        match self.metadata.add_grant(&row).await {
            Ok(()) | Err(Error::Exists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The kind, if such a repository can be made.
    fn creatable(&self, protocol: ProtocolName, kind: &str) -> Result<&'static str, Problem> {
        let made = |&&(p, k): &&(ProtocolName, &'static str)| p == protocol && k == kind;
        if let Some((_, kind)) = self.creatable.iter().find(made) {
            return Ok(kind);
        }
        let can: Vec<String> = self
            .creatable
            .iter()
            .map(|(protocol, kind)| format!("{protocol} {kind}"))
            .collect();
        let detail = format!(
            "no {protocol} repository of this kind can be made here; what can be made: {}",
            can.join(", ")
        );
        Err(Problem::invalid("kind", detail))
    }

    pub(crate) fn get_repository(
        &self,
        admission: &Admission,
        path: &RepoPath,
    ) -> Result<Reply, Problem> {
        admission.require(&path.permission(Verb::Read))?;
        ok(&Shown::of(&*self.repo(path)?, admission))
    }

    pub(crate) async fn change_repository(
        &self,
        admission: &Admission,
        path: &RepoPath,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        admission.require(&path.permission(Verb::Administer))?;
        let mut fields = Fields::read(body)?;
        let description = description(&mut fields)?;
        let change = Change::read(&mut fields)?;
        fields.finish()?;
        self.gate.refresh().await?;
        let repo = self.repo(path)?;
        if description.is_some() || !change.is_nothing() {
            let settings = change
                .apply(self, admission, path, &repo.kind, settings_of(&repo))?
                .write();
            let description = description.as_deref().unwrap_or(&repo.description);
            self.metadata
                .change_repo(repo.id, description, &settings)
                .await
                .map_err(refused)?;
            self.gate.refresh().await?;
            tracing::info!(by = %admission.principal().label, repository = %path, "repository changed");
        }
        ok(&Shown::of(&*self.repo(path)?, admission))
    }

    pub(crate) async fn delete_repository(
        &self,
        admission: &Admission,
        path: &RepoPath,
    ) -> Result<Reply, Problem> {
        admission.require(&path.permission(Verb::Administer))?;
        self.gate.refresh().await?;
        self.metadata
            .drop_repo(self.repo(path)?.id)
            .await
            .map_err(refused)?;
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, repository = %path, "repository deleted");
        Ok(gone())
    }

    pub(crate) fn repo(&self, path: &RepoPath) -> Result<Arc<RepoRecord>, Problem> {
        self.gate
            .policy()
            .repo(path.protocol, &path.name)
            .cloned()
            .ok_or_else(no_repo)
    }
}

fn description(fields: &mut Fields) -> Result<Option<String>, Problem> {
    let text = fields.text("description")?;
    if text.as_ref().is_some_and(|text| {
        text.chars().count() > DESCRIPTION || text.chars().any(char::is_control)
    }) {
        let detail = format!("`description` is one line of at most {DESCRIPTION} characters");
        return Err(Problem::invalid("description", detail));
    }
    Ok(text)
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet("repo") => no_repo(), // someone else was first
        error => error.into(),
    }
}
