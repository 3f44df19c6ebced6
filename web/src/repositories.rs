//! Repositories.

use crate::Api;
use crate::endpoint::{RepoPath, no_repo};
use crate::fields::{Fields, needed};
use crate::page::{List, Page};
use crate::reply::{created, gone, ok};
use crate::require::only_superusers;
use crate::upstreams::{self, Change};
use larder_access::{Admission, PolicySnapshot};
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, ProtocolName, Reply, RepoKind, RepoSettings, Verb};
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
    /// `everyone` or `granted`.
    readable_by: &'static str,
    #[serde(flatten)]
    settings: upstreams::Shown,
}

impl<'a> Shown<'a> {
    /// Where a mirror's upstream is, and as whom it is asked, is for those who look after it.
    fn of(repo: &'a RepoRecord, admission: &Admission, policy: &PolicySnapshot) -> Self {
        let mut settings = repo.settings.clone();
        if !admission.may(&path_of(repo).permission(Verb::Administer)) {
            settings.upstream = None;
        }
        Self {
            protocol: repo.protocol.0,
            name: repo.name.as_str(),
            kind: repo.kind.word(),
            description: &repo.description,
            created_at: repo.created_at.to_string(),
            readable_by: readable_by(repo, policy),
            settings: upstreams::Shown::of(repo, settings),
        }
    }

    fn key(&self) -> String {
        format!("{}/{}", self.protocol, self.name)
    }
}

/// Whether all of it can be read without a grant.
fn readable_by(repo: &RepoRecord, policy: &PolicySnapshot) -> &'static str {
    if policy.is_readable_by_everyone(repo) {
        "everyone"
    } else {
        "granted"
    }
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
            .map(|(_, repo)| Shown::of(repo, admission, &policy))
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
        let (settings, members) =
            change.apply(self, admission, &path, kind, RepoSettings::default())?;
        let members = members.unwrap_or_default();
        if kind == RepoKind::Group && members.is_empty() {
            return Err(needs_members());
        }
        let new = NewRepo {
            protocol: path.protocol,
            name: &path.name,
            kind,
            description: &description,
            settings: &settings,
            members: &members,
        };
        match self.metadata.add_repo(new).await {
            Ok(_) => {}
            Err(Error::Exists(_)) => {
                return Err(Problem::new(
                    Kind::Conflict,
                    "repository",
                    format!("there is already a repository {path}"),
                ));
            }
            Err(error) => return Err(refused(error)),
        }
        self.gate.refresh().await?;
        let (policy, repo) = (self.gate.policy(), self.repo(&path)?);
        let public = policy.is_readable_by_everyone(&repo);
        tracing::info!(by = %admission.principal().label, repository = %path, public, "repository created");
        created(
            format_args!("/repositories/{path}"),
            &Shown::of(&repo, admission, &policy),
        )
    }

    /// The kind, if such a repository can be made.
    fn creatable(&self, protocol: ProtocolName, kind: &str) -> Result<RepoKind, Problem> {
        let made = |&&(p, k): &&(ProtocolName, &'static str)| p == protocol && k == kind;
        if let Some((_, kind)) = self.creatable.iter().find(made) {
            return kind.parse().map_err(Problem::internal);
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
        ok(&Shown::of(
            &*self.repo(path)?,
            admission,
            &self.gate.policy(),
        ))
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
            let (settings, members) =
                change.apply(self, admission, path, repo.kind, repo.settings.clone())?;
            let description = description.as_deref().unwrap_or(&repo.description);
            self.metadata
                .change_repo(repo.id, description, &settings, members.as_deref())
                .await
                .map_err(refused)?;
            self.gate.refresh().await?;
            tracing::info!(by = %admission.principal().label, repository = %path, "repository changed");
        }
        ok(&Shown::of(
            &*self.repo(path)?,
            admission,
            &self.gate.policy(),
        ))
    }

    pub(crate) async fn delete_repository(
        &self,
        admission: &Admission,
        path: &RepoPath,
        force: bool,
    ) -> Result<Reply, Problem> {
        let by = admission.require(&path.permission(Verb::Administer))?;
        if force && !admission.principal().is_superuser() {
            return Err(only_superusers());
        }
        self.gate.refresh().await?;
        let repo = self.repo(path)?;
        match self.metadata.drop_repo(repo.id, force, &by).await {
            Err(Error::Unmet(Requirement::Unreferenced)) => {
                self.gate.refresh().await?;
                return Err(referenced(path, &self.gate.policy().references_to(repo.id)));
            }
            outcome => outcome.map_err(refused)?,
        }
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

pub(crate) fn needs_members() -> Problem {
    let detail = "a group needs `members`: names of repositories of its protocol";
    Problem::invalid("members", detail)
}

/// What refers to a repository would dangle without it.
fn referenced(path: &RepoPath, references: &[String]) -> Problem {
    let detail = format!(
        "{path} is referred to by {}; take it out of there first, or have a superuser delete it \
         with ?force=true",
        references.join(", ")
    );
    Problem::new(Kind::Conflict, "repository", detail)
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::Member) => Problem::invalid(
            "members",
            "a member was deleted meanwhile; name those that are there",
        ),
        Error::Unmet(Requirement::Repo) => no_repo(), // someone else was first
        error => error.into(),
    }
}
