//! Search in all repositories, by what names, versions, tags and digests begin with.

use super::sources::is_hosted;
use crate::caller::Caller;
use crate::extract::head::KnownQuery;
use crate::extract::page::{Page, next_of};
use crate::extract::path::{PackagePath, canonical_name};
use crate::problem::Refusal;
use crate::query::Query;
use crate::right::Right;
use crate::state::{ApiState, path_of};
use axum::Json;
use axum::extract::State;
use larder_api::{self as api, SearchHit, SearchKind};
use larder_metadata::repos::RepoRecord;
use larder_metadata::search::{Found, SearchBy, SearchKey};
use larder_model::{Algorithm, Problem, ProtocolName, RepoPath, Verb};
use std::sync::Arc;

/// Rows looked at for one answer: whoever sees little pages through what it does not see.
const MAX_ROWS: usize = if cfg!(test) { 100 } else { 20_000 };
/// Rows read at once when the first ones were not enough.
const ROWS: usize = if cfg!(test) { 20 } else { 2000 };
/// The list that a closed cursor is of.
const LIST: &str = "search";
/// Bytes of what is sought.
const MAX_TEXT: usize = 512;

/// What is sought.
struct Wanted {
    /// What a name, version, tag or digest begins with.
    text: String,
    /// What stands in the hit besides, in lower case.
    words: Vec<String>,
    protocol: Option<ProtocolName>,
    kind: Option<SearchKind>,
}

/// One walk along an index.
struct Section {
    by: SearchBy,
    prefix: String,
}

/// A key in a cursor: text, repository, package, kind, path.
type CursorKey = (String, i64, String, String, String);

/// Where the next page begins: in which section, after which key. Clients can read it, unless it
/// stands at what they may not see.
struct Cursor {
    section: usize,
    after: Option<SearchKey>,
}

/// Searches packages, versions, tags and files in all repositories.
///
/// What is sought begins a package's name or the last part of it, a version, a tag, or a digest
/// with its algorithm (`sha256:ab`). Further words stand anywhere in the repository, name, version or
/// digest of what is found. A page may have less than `limit` items and still a `next`, where much is
/// there that the caller may not see.
#[utoipa::path(
    get,
    path = "/search",
    tag = "packages",
    operation_id = "search",
    params(
        ("q" = String, Query, description = "What is sought: at most 512 bytes."),
        ("protocol" = Option<String>, Query, description = "Only in repositories of this protocol."),
        ("kind" = Option<SearchKind>, Query, description = "Only what is of this kind."),
        Page,
    ),
    responses((status = 200, description = "A page of what was found.", body = api::List<SearchHit>)),
    extensions(
        ("x-right" = json!(Right::Anyone)),
        ("x-codes" = json!(["q_invalid", "protocol_invalid", "kind_invalid", "after_invalid"])),
    ),
)]
pub(crate) async fn search(
    page: Page,
    KnownQuery(query): KnownQuery,
    caller: Caller,
    State(state): State<Arc<ApiState>>,
) -> Result<Json<api::List<SearchHit>>, Refusal> {
    let wanted = Wanted::read(&query)?;
    let sections = wanted.sections();
    let mut cursor = Cursor::read(&Page {
        after: state.gate.open_cursor(&page.after, LIST),
        ..page
    })?;
    let (mut items, mut looked_at) = (Vec::new(), 0);
    // Where the last item that is shown stands: what is hidden behind it is not told of.
    let mut shown = None;
    let mut count = page.limit + 1;
    while let Some(section) = sections.get(cursor.section) {
        let rows = state.metadata.search(
            section.by,
            &section.prefix,
            cursor.after.as_ref(),
            count as u64,
        );
        let rows = rows.await?;
        let read = rows.len();
        looked_at += read;
        for found in rows {
            if let Some(hit) = wanted.hit(&state, &caller, section, &found) {
                if items.len() == page.limit {
                    // One more is there: the page ends before it.
                    let next = shown.as_ref().map(Cursor::write);
                    return Ok(Json(api::List::part(items, next)));
                }
                items.push(hit);
                shown = Some(Cursor {
                    section: cursor.section,
                    after: Some(found.key.clone()),
                });
            }
            cursor.after = Some(found.key);
        }
        if read < count {
            cursor = Cursor {
                section: cursor.section + 1,
                after: None,
            };
        } else if looked_at >= MAX_ROWS {
            let next = state.gate.close_cursor(&cursor.write(), LIST)?;
            return Ok(Json(api::List::part(items, Some(next))));
        }
        count = ROWS;
    }
    Ok(Json(api::List::part(items, None)))
}

impl Wanted {
    fn read(query: &Query) -> Result<Self, Problem> {
        let sought = query.need("q")?;
        let mut words = sought.split_whitespace();
        let text = words.next().unwrap_or_default();
        if text.is_empty() || sought.len() > MAX_TEXT || sought.chars().any(char::is_control) {
            let detail = format!("q is what is sought: one word or more, at most {MAX_TEXT} bytes");
            return Err(Problem::invalid("q", detail));
        }
        let protocol = query.get("protocol").map(|text| {
            let unknown = |_| Problem::invalid("protocol", "there is no such protocol");
            text.parse().map_err(unknown)
        });
        let kind = query.get("kind").map(|text| {
            let known = SearchKind::ALL.into_iter().find(|kind| kind.word() == text);
            let words = SearchKind::ALL.map(SearchKind::word).join(", ");
            known.ok_or_else(|| Problem::invalid("kind", format!("kind is one of {words}")))
        });
        Ok(Self {
            text: text.to_owned(),
            words: words.map(str::to_lowercase).collect(),
            protocol: protocol.transpose()?,
            kind: kind.transpose()?,
        })
    }

    /// What names begin with: the text as each protocol spells it, but for what begins with another
    /// of them.
    fn spellings(&self) -> Vec<String> {
        let protocols = ProtocolName::ALL.into_iter();
        let protocols = protocols.filter(|name| self.protocol.is_none_or(|only| only == *name));
        let mut all: Vec<_> = protocols
            .map(|name| canonical_name(name, &self.text).to_string())
            .filter(|text| !text.is_empty())
            .collect();
        all.sort_unstable();
        all.dedup_by(|next, before| next.starts_with(&**before));
        all
    }

    /// The walks that find all, one after the other. Nothing is found in two of them.
    fn sections(&self) -> Vec<Section> {
        let algorithm = self.text.split_once(':').map(|(name, _)| name);
        let is_digest = algorithm.is_some_and(|name| name.parse::<Algorithm>().is_ok());
        let mut sections = Vec::new();
        let mut add = |by, prefix: &str| {
            sections.push(Section {
                by,
                prefix: prefix.to_owned(),
            });
        };
        for kind in SearchKind::ALL {
            if self.kind.is_some_and(|only| only != kind) {
                continue;
            }
            match kind {
                SearchKind::Package => {
                    for by in [SearchBy::Name, SearchBy::LastName] {
                        for text in self.spellings() {
                            add(by, &text);
                        }
                    }
                }
                SearchKind::Tag => add(SearchBy::Tag, &self.text),
                SearchKind::Version => add(SearchBy::Version, &self.text),
                SearchKind::File if is_digest => add(SearchBy::Digest, &self.text),
                SearchKind::File => {}
            }
        }
        sections
    }

    /// What was found, as it is shown to the caller; `None` if it is not what is wanted, or the
    /// caller may not see it.
    fn hit(
        &self,
        state: &ApiState,
        caller: &Caller,
        section: &Section,
        found: &Found,
    ) -> Option<SearchHit> {
        let policy = state.gate.policy();
        let repo = policy.repo_by_id(found.key.repo)?;
        let package = &found.key.package;
        let is_other = self.protocol.is_some_and(|only| only != repo.protocol);
        if is_other || !self.is_spelled(section.by, repo, package) {
            return None;
        }
        let path = PackagePath {
            repo: path_of(repo),
            package: package.clone(),
        };
        let may = |verb| caller.may(&path.permission(verb));
        if !may(Verb::Read) || !may(Verb::List) {
            return None;
        }
        let hit = to_api(section.by, repo, path.repo, found);
        self.has_words(&hit).then_some(hit)
    }

    /// Whether a package is found by its name in this section, as its own protocol spells names.
    fn is_spelled(&self, by: SearchBy, repo: &RepoRecord, package: &str) -> bool {
        let text = canonical_name(repo.protocol, &self.text);
        let last = package.rsplit('/').next().unwrap_or_default();
        match by {
            SearchBy::Version | SearchBy::Tag | SearchBy::Digest => true,
            _ if text.is_empty() => false,
            SearchBy::Name => package.starts_with(&*text),
            SearchBy::LastName => last.starts_with(&*text) && !package.starts_with(&*text),
        }
    }

    fn has_words(&self, hit: &SearchHit) -> bool {
        let version = hit.version.as_deref().unwrap_or_default();
        let digest = hit.digest.as_deref().unwrap_or_default();
        let told = format!("{}/{} {version} {digest}", hit.repository, hit.package);
        let told = told.to_lowercase();
        self.words.iter().all(|word| told.contains(word))
    }
}

fn to_api(by: SearchBy, repo: &RepoRecord, repository: RepoPath, found: &Found) -> SearchHit {
    let kind = match by {
        SearchBy::Name | SearchBy::LastName => SearchKind::Package,
        SearchBy::Version => SearchKind::Version,
        SearchBy::Tag => SearchKind::Tag,
        SearchBy::Digest => SearchKind::File,
    };
    let version = found.version.to_string();
    SearchHit {
        kind,
        repository,
        package: found.key.package.to_string(),
        version: Some(version).filter(|version| !version.is_empty()),
        digest: found.digest.map(|digest| digest.to_string()),
        path: (kind == SearchKind::File).then(|| found.key.path.to_string()),
        hosted: is_hosted(repo),
    }
}

impl Cursor {
    /// Reads the `next` of the page before; the beginning, if it is empty.
    fn read(page: &Page) -> Result<Self, Problem> {
        let Some(found) = page.after_key()? else {
            return Ok(Self {
                section: 0,
                after: None,
            });
        };
        let bad = || Problem::invalid("after", "after is the `next` of the page before");
        let (section, key): (usize, Option<CursorKey>) = found;
        let is_text = |text: &String| !text.chars().any(char::is_control);
        let texts = key
            .iter()
            .flat_map(|(text, _, package, kind, path)| [text, package, kind, path]);
        if !texts.into_iter().all(is_text) {
            return Err(bad());
        }
        let after = key.map(|(text, repo, package, kind, path)| SearchKey {
            text: text.into(),
            repo,
            package: package.into(),
            kind: kind.into(),
            path: path.into(),
        });
        Ok(Self { section, after })
    }

    fn write(&self) -> String {
        let key = self.after.as_ref();
        let key = key.map(|key| (&key.text, key.repo, &key.package, &key.kind, &key.path));
        next_of(&serde_json::json!((self.section, key)))
    }
}
