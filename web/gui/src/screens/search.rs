//! Search over everything, and what is suggested while one types.

use crate::address::address;
use crate::page::{Frame, OrPage as _, Shown, show};
use crate::query::{Query, ROWS};
use crate::screens::lines::word;
use crate::screens::place::{PackagePath, repositories};
use crate::visit::Visit;
use askama::Template;
use larder_api::{self as api, SearchHit, SearchKind};
use larder_model::{Problem, ProtocolName};

/// What is suggested at most.
const SUGGESTED: usize = 8;
/// Characters from which on something is suggested.
const SHORTEST: usize = 2;

/// Something that was found.
struct Hit {
    found: SearchHit,
    /// Its page.
    page: String,
}

impl Hit {
    fn of(found: SearchHit) -> Self {
        let path = PackagePath::new(&found.repository, &found.package);
        let version = found.version.as_deref();
        let page = match (found.kind, version, found.digest.as_deref()) {
            (SearchKind::Tag | SearchKind::Version, Some(version), _) => path.version_page(version),
            // A layer has no page: its image has.
            (SearchKind::File, _, Some(digest)) if is_manifest(&found) => path.version_page(digest),
            (SearchKind::File, Some(version), _) if !path.is_image() => path.version_page(version),
            _ => path.page(),
        };
        Self { found, page }
    }

    /// What it is called beside its repository.
    fn label(&self) -> String {
        let SearchHit {
            package, version, ..
        } = &self.found;
        match version {
            Some(tag) if self.found.kind == SearchKind::Tag => format!("{package}:{tag}"),
            Some(version) => format!("{package} {version}"),
            None => package.clone(),
        }
    }

    fn is_image(&self) -> bool {
        self.found.repository.protocol == ProtocolName::OCI
    }
}

/// Whether a file of an image is a manifest: it has a page of its own.
fn is_manifest(found: &SearchHit) -> bool {
    let is_image = found.repository.protocol == ProtocolName::OCI;
    let path = found.path.as_deref().unwrap_or_default();
    is_image && !path.starts_with("blobs/")
}

/// What was found of one kind.
struct Group {
    kind: SearchKind,
    hits: Vec<Hit>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct Search {
    frame: Frame,
    sought: String,
    protocol: String,
    kind: String,
    protocols: Vec<ProtocolName>,
    groups: Vec<Group>,
    next: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates pass what they show by reference"
)]
impl Search {
    fn is_kind(&self, kind: &SearchKind) -> bool {
        kind.word() == self.kind
    }

    fn is_protocol(&self, protocol: &ProtocolName) -> bool {
        protocol.0 == self.protocol
    }

    fn kind_name(&self, kind: &SearchKind) -> &'static str {
        let t = self.frame.language;
        match kind {
            SearchKind::Package => t.search_packages(),
            SearchKind::Tag => t.search_tags(),
            SearchKind::Version => t.search_versions(),
            SearchKind::File => t.search_files(),
        }
    }

    fn next_path(&self, after: &str) -> String {
        let parameters = [
            ("q", &*self.sought),
            ("eco", &self.protocol),
            ("kind", &self.kind),
            ("after", after),
        ];
        address("/search", &parameters)
    }
}

/// The page of a search.
pub(crate) async fn show_search(visit: Visit, query: Query) -> Shown {
    let page = search(&visit, &query).await;
    show(&page.or_page(&visit)?).or_page(&visit)
}

async fn search(visit: &Visit, query: &Query) -> Result<Search, Problem> {
    let (sought, protocol, kind) = (query.get("q"), query.get("eco"), query.get("kind"));
    let limit = ROWS.to_string();
    let found: api::List<SearchHit> = match sought {
        "" => api::List::whole(Vec::new()),
        sought => {
            let parameters = [
                ("q", sought),
                ("protocol", protocol),
                ("kind", kind),
                ("limit", &limit),
                ("after", query.get("after")),
            ];
            visit.get(address("/search", &parameters)).await?
        }
    };
    let title = match sought {
        "" => visit.language().search_title().to_owned(),
        sought => visit.language().search_of(sought),
    };
    let frame = Frame::new(visit, title)?;
    let mut protocols: Vec<_> = repositories(visit)
        .await?
        .iter()
        .map(|repo| repo.protocol)
        .collect();
    protocols.dedup();
    let words = if sought.is_empty() { "TEXT" } else { sought };
    let command = format!("larder search {}", word(words));
    Ok(Search {
        frame: frame.elsewhere(command, address("GET /api/v1/search", &[("q", words)])),
        sought: sought.to_owned(),
        protocol: protocol.to_owned(),
        kind: kind.to_owned(),
        protocols,
        groups: groups(found.items),
        next: found.next,
    })
}

/// What was found, by kind, in the order in which it was found; what is hosted first.
fn groups(found: Vec<SearchHit>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for hit in found {
        let kind = hit.kind;
        let hit = Hit::of(hit);
        match groups.iter_mut().find(|group| group.kind == kind) {
            Some(group) => group.hits.push(hit),
            None => groups.push(Group {
                kind,
                hits: vec![hit],
            }),
        }
    }
    groups
}

/// What is suggested: a piece of the page.
#[derive(Template)]
#[template(path = "suggest.html")]
struct Suggestions {
    frame: Frame,
    hits: Vec<Hit>,
}

/// Suggests what begins with what is typed.
pub(crate) async fn suggest(visit: Visit, query: Query) -> Shown {
    let hits = suggestions(&visit, query.get("q")).await.or_page(&visit)?;
    let frame = Frame::new(&visit, "").or_page(&visit)?;
    show(&Suggestions { frame, hits }).or_page(&visit)
}

async fn suggestions(visit: &Visit, sought: &str) -> Result<Vec<Hit>, Problem> {
    if sought.chars().count() < SHORTEST {
        return Ok(Vec::new());
    }
    let limit = SUGGESTED.to_string();
    let path = address("/search", &[("q", sought), ("limit", &limit)]);
    let found: api::List<SearchHit> = visit.get(path).await?;
    Ok(found.items.into_iter().map(Hit::of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(kind: SearchKind, repo: &str, version: Option<&str>, digest: Option<&str>) -> Hit {
        Hit::of(SearchHit {
            kind,
            repository: repo.parse().expect("a repository"),
            package: "app/web".to_owned(),
            version: version.map(str::to_owned),
            digest: digest.map(str::to_owned),
            path: digest.map(|digest| format!("manifests/{digest}")),
            hosted: true,
        })
    }

    #[test]
    fn all_that_is_found_has_a_page() {
        let tag = hit(SearchKind::Tag, "oci/team", Some("1.0"), Some("sha256:ab"));
        assert_eq!(
            (&*tag.page, &*tag.label()),
            ("/images/team/app/web/-/tags/1.0", "app/web:1.0")
        );
        let version = hit(SearchKind::Version, "npm/local", Some("1.0"), None);
        assert_eq!(version.page, "/packages/npm/local/app/web/-/v/1.0");
        let package = hit(SearchKind::Package, "npm/local", None, None);
        assert_eq!(package.page, "/packages/npm/local/app/web");
        let manifest = hit(SearchKind::File, "oci/team", None, Some("sha256:ab"));
        assert_eq!(manifest.page, "/images/team/app/web/-/digest/sha256/ab");
        let file = hit(
            SearchKind::File,
            "npm/local",
            Some("1.0"),
            Some("sha256:ab"),
        );
        assert_eq!(file.page, "/packages/npm/local/app/web/-/v/1.0");
    }
}
