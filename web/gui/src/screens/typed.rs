//! What the forms of a repository say.

use crate::form::Form;
use larder_api as api;
use larder_api::RepoKind;
use larder_model::names::BadName;
use larder_model::{Problem, ProtocolName, RepoName};

/// What a form says of a repository, as it was typed.
#[derive(Default)]
pub(crate) struct Typed {
    pub(crate) protocol: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Who may read it: `everyone`, `granted`, or empty for what is usual.
    pub(crate) readers: String,
    pub(crate) url: String,
    pub(crate) mirror_list: String,
    pub(crate) username: String,
    /// PEM.
    pub(crate) client_certificate: String,
    /// PEM.
    pub(crate) ca_certificate: String,
    pub(crate) allows_private: bool,
    pub(crate) fresh: String,
    pub(crate) serves_vanished: bool,
    pub(crate) takes_sparse: bool,
    /// One origin a line.
    pub(crate) token_origins: String,
    /// One name a line.
    pub(crate) members: String,
}

impl Typed {
    pub(crate) fn of(form: &Form) -> Self {
        let text = |name| form.text(name).trim().to_owned();
        Self {
            protocol: text("protocol"),
            name: text("name"),
            description: text("description"),
            readers: text("readers"),
            url: text("url"),
            mirror_list: text("mirror_list"),
            username: text("username"),
            client_certificate: text("client_certificate"),
            ca_certificate: text("ca_certificate"),
            allows_private: form.has("allow_private"),
            fresh: text("fresh"),
            serves_vanished: form.has("serve_vanished"),
            takes_sparse: form.has("sparse_images"),
            token_origins: text("token_origins"),
            members: text("members"),
        }
    }

    /// What is set of a repository now.
    pub(crate) fn of_repository(repo: &api::Repository) -> Self {
        let upstream = repo.upstream.as_ref();
        let members = repo.members.iter().flatten();
        let readers = match repo.open {
            Some(true) => "everyone",
            Some(false) => "granted",
            None => "",
        };
        Self {
            protocol: repo.protocol.to_string(),
            name: repo.name.to_string(),
            description: repo.description.clone(),
            readers: readers.to_owned(),
            url: upstream.map(|it| it.url.clone()).unwrap_or_default(),
            mirror_list: upstream
                .and_then(|it| it.mirror_list.clone())
                .unwrap_or_default(),
            username: upstream
                .and_then(|it| it.username.clone())
                .unwrap_or_default(),
            client_certificate: upstream
                .and_then(|it| it.client_certificate.clone())
                .unwrap_or_default(),
            ca_certificate: upstream
                .and_then(|it| it.ca_certificate.clone())
                .unwrap_or_default(),
            allows_private: upstream.is_some_and(|it| it.allow_private),
            fresh: repo
                .fresh_seconds
                .map(|it| it.to_string())
                .unwrap_or_default(),
            serves_vanished: repo.serve_vanished.unwrap_or_default(),
            takes_sparse: repo.sparse_images.unwrap_or_default(),
            token_origins: upstream
                .map(|it| it.token_origins.join("\n"))
                .unwrap_or_default(),
            members: members.map(RepoName::as_str).collect::<Vec<_>>().join("\n"),
        }
    }

    /// Whether there is anything in the part of the form that few mirrors need.
    pub(crate) fn has_rare(&self) -> bool {
        let rare = [
            &self.client_certificate,
            &self.ca_certificate,
            &self.mirror_list,
            &self.token_origins,
        ];
        rare.iter().any(|text| !text.is_empty())
    }

    /// What the API is to set. A password or a key that is left empty stays.
    pub(crate) fn change(
        &self,
        kind: RepoKind,
        form: &Form,
    ) -> Result<api::RepositoryChange, Problem> {
        let mut change = api::RepositoryChange {
            description: Some(self.description.clone()),
            open: match &*self.readers {
                "everyone" => api::Patch::Set(true),
                "granted" => api::Patch::Set(false),
                _ => api::Patch::Remove,
            },
            ..api::RepositoryChange::default()
        };
        match kind {
            RepoKind::Hosted => {
                let is_of_images = self.protocol == ProtocolName::OCI.to_string();
                change.sparse_images = is_of_images.then_some(self.takes_sparse);
            }
            RepoKind::Mirror => {
                // Pages that ask for an address alone do not have these fields.
                let text_of = |field, text: &String| form.has(field).then(|| text.clone());
                change.fresh_seconds = form.number("fresh")?;
                change.serve_vanished = Some(self.serves_vanished);
                change.upstream = Some(api::UpstreamChange {
                    url: Some(self.url.clone()),
                    mirror_list: text_of("mirror_list", &self.mirror_list),
                    username: Some(self.username.clone()),
                    password: form.given("password").map(str::to_owned),
                    client_certificate: text_of("client_certificate", &self.client_certificate),
                    client_key: form.given("client_key").map(str::to_owned),
                    ca_certificate: text_of("ca_certificate", &self.ca_certificate),
                    allow_private: Some(self.allows_private),
                    token_origins: form.has("token_origins").then(|| self.token_origins()),
                    ..api::UpstreamChange::default()
                });
            }
            RepoKind::Group => change.members = Some(self.members()?),
        }
        Ok(change)
    }

    fn token_origins(&self) -> Vec<String> {
        let origins = self.token_origins.split_whitespace();
        origins.map(str::to_owned).collect()
    }

    fn members(&self) -> Result<Vec<RepoName>, Problem> {
        let between = |char: char| char.is_whitespace() || char == ',';
        let names = self.members.split(between).filter(|name| !name.is_empty());
        let read = |name: &str| {
            name.parse()
                .map_err(|why: BadName| Problem::invalid("members", format!("`{name}`: {}", why.0)))
        };
        names.map(read).collect()
    }
}
