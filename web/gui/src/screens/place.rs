//! Where repositories, packages and images are: as pages, as the API has them, as the command line
//! names them.

use crate::address::{segment, segments};
use crate::language::Language;
use crate::screens::lines::word;
use crate::visit::Visit;
use larder_api as api;
use larder_model::{Problem, ProtocolName, RepoName, RepoPath};

/// What ends the name of a package in the address of a page.
const END: &str = "/-/";

/// The page of a repository.
pub(crate) fn repo_page(repo: &RepoPath) -> String {
    let name = repo.name.as_str();
    if repo.protocol == ProtocolName::OCI {
        format!("/images/{name}")
    } else {
        format!("/packages/{}/{name}", repo.protocol)
    }
}

/// The page of a repository as the API tells of it.
pub(crate) fn page_of(repo: &api::Repository) -> String {
    repo_page(&path_of(repo))
}

/// The page of a repository of a group.
pub(crate) fn member_page(group: &api::Repository, member: &RepoName) -> String {
    repo_page(&RepoPath {
        protocol: group.protocol,
        name: member.clone(),
    })
}

/// Where a repository is.
pub(crate) fn path_of(repo: &api::Repository) -> RepoPath {
    RepoPath {
        protocol: repo.protocol,
        name: repo.name.clone(),
    }
}

/// A repository of an address; a problem if no repository can have such a name.
pub(crate) fn repo(protocol: &str, name: &str) -> Result<RepoPath, Problem> {
    let unknown = || Problem::not_found("repository", "there is no such repository");
    RepoPath::of(protocol, name).ok_or_else(unknown)
}

/// A package of a repository, or an image of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PackagePath {
    pub(crate) repo: RepoPath,
    pub(crate) name: String,
}

impl PackagePath {
    pub(crate) fn new(repo: &RepoPath, name: &str) -> Self {
        Self {
            repo: repo.clone(),
            name: name.to_owned(),
        }
    }

    /// Splits what stands behind a repository in an address: the name, and what of it is meant.
    pub(crate) fn split<'a>(repo: &RepoPath, rest: &'a str) -> (Self, Option<&'a str>) {
        let (name, view) = match rest.rsplit_once(END) {
            Some((name, view)) => (name, Some(view)),
            None => (rest, None),
        };
        (Self::new(repo, name.trim_end_matches('/')), view)
    }

    /// Whether it is an image.
    pub(crate) fn is_image(&self) -> bool {
        self.repo.protocol == ProtocolName::OCI
    }

    /// What it is called how often it was fetched in 30 days.
    pub(crate) fn downloads(&self, t: Language) -> &'static str {
        if self.is_image() {
            t.package_pulls()
        } else {
            t.package_downloads()
        }
    }

    /// Its page.
    pub(crate) fn page(&self) -> String {
        format!("{}/{}", repo_page(&self.repo), segments(&self.name))
    }

    /// A page below its own.
    pub(crate) fn below(&self, view: &str) -> String {
        format!("{}{END}{view}", self.page())
    }

    /// The page of a version, of a tag or of a manifest.
    pub(crate) fn version_page(&self, version: &str) -> String {
        let version_in = |kind| self.below(&format!("{kind}/{}", segments(version)));
        match version.split_once(':') {
            Some((algorithm, hex)) if self.is_image() => {
                self.below(&format!("digest/{algorithm}/{hex}"))
            }
            _ if self.is_image() => version_in("tags"),
            _ => version_in("v"),
        }
    }

    /// The version that a view below its page is about; `None`: it is about something else.
    pub(crate) fn version_of(view: &str) -> Option<String> {
        let (kind, version) = view.split_once('/')?;
        match kind {
            "tags" | "v" => Some(version.to_owned()),
            "digest" => version
                .split_once('/')
                .map(|(algorithm, hex)| format!("{algorithm}:{hex}")),
            _ => None,
        }
    }

    /// The repository, as the API has it.
    pub(crate) fn repo_call(&self) -> String {
        repo_call(&self.repo)
    }

    /// The package, as the API has it.
    pub(crate) fn call(&self) -> String {
        format!("{}/packages/{}", self.repo_call(), segment(&self.name))
    }

    /// A version of it, as the API has it.
    pub(crate) fn version_call(&self, version: &str) -> String {
        format!("{}/versions/{}", self.call(), segment(version))
    }

    /// What the command line does to it.
    pub(crate) fn command(&self, act: &str) -> String {
        let noun = if self.is_image() { "image" } else { "package" };
        format!("larder {noun} {act} {} {}", self.repo, word(&self.name))
    }

    /// Whether whoever looks may do that to it.
    pub(crate) async fn may(&self, visit: &Visit, action: &str) -> Result<bool, Problem> {
        let question = crate::address::address(
            "/can",
            &[
                ("repository", &self.repo.to_string()),
                ("package", &self.name),
                ("action", action),
            ],
        );
        let verdict: api::Verdict = visit.get(question).await?;
        Ok(verdict.allowed)
    }
}

/// A repository, as the API has it.
pub(crate) fn repo_call(repo: &RepoPath) -> String {
    format!("/repositories/{}/{}", repo.protocol, repo.name)
}

/// A repository with what was counted of it last: a page does not wait for a look at all of it.
pub(crate) async fn repository(visit: &Visit, repo: &RepoPath) -> Result<api::Repository, Problem> {
    visit.get(format!("{}?counted=true", repo_call(repo))).await
}

/// The names of all repositories that whoever looks may read.
pub(crate) async fn names(visit: &Visit) -> Result<Vec<String>, Problem> {
    let all = repositories(visit).await?;
    Ok(all.iter().map(|repo| path_of(repo).to_string()).collect())
}

/// All repositories that whoever looks may read.
pub(crate) async fn repositories(visit: &Visit) -> Result<Vec<api::Repository>, Problem> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let path =
            crate::address::address("/repositories", &[("limit", "1000"), ("after", &after)]);
        let list: api::List<api::Repository> = visit.get(path).await?;
        all.extend(list.items);
        match list.next {
            Some(next) => after = next,
            None => return Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split<'a>(protocol: &str, rest: &'a str) -> (PackagePath, Option<&'a str>) {
        let repo = RepoPath::of(protocol, "main").expect("a path");
        PackagePath::split(&repo, rest)
    }

    #[test]
    fn a_dash_ends_a_name() {
        for (rest, name, view) in [
            ("web", "web", None),
            ("a/b/c", "a/b/c", None),
            ("a/b/-/tags/1.0", "a/b", Some("tags/1.0")),
            ("@x/-/-/v/1", "@x/-", Some("v/1")),
            ("-", "-", None),
        ] {
            let (path, found) = split("npm", rest);
            assert_eq!((&*path.name, found), (name, view), "{rest}");
        }
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let command = |name| split("git", name).0.command("show");
        assert_eq!(
            command("team/tool"),
            "larder package show git/main team/tool"
        );
        assert_eq!(
            command("it's a/$(b)"),
            "larder package show git/main 'it'\\''s a/$(b)'"
        );
    }

    #[test]
    fn pages_of_versions_are_found_again() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (protocol, version) in [("oci", "v1.0"), ("oci", &digest), ("npm", "1.0.0-a+b")] {
            let (path, _) = split(protocol, "a/b");
            let page = path.version_page(version);
            let prefix = format!("{}/", repo_page(&path.repo));
            let rest = page.strip_prefix(&prefix).expect("below the repository");
            let (again, view) = split(protocol, rest);
            let found = PackagePath::version_of(view.expect("a view"));
            assert_eq!((again, found.as_deref()), (path, Some(version)));
        }
        assert_eq!(PackagePath::version_of("compare"), None);
    }
}
