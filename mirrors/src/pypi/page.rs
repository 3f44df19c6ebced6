//! The page of a project, read from JSON or HTML.

use super::html::{self, Attributes, Node};
use super::link;
use super::names::{belongs, is_distribution, is_file, normalised};
use crate::Integrity;
use crate::json::{self, Object, unreadable};
use crate::resource::Document;
use crate::text::{bad_document, without_bom};
use larder_model::{Algorithm, Digest, Problem};
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

type Text<'a> = Cow<'a, str>;
/// Algorithms and hex digests, as the upstream wrote them.
pub(super) type Hashes<'a> = Vec<(Text<'a>, Text<'a>)>;

const A_PAGE: &str = "the page of this project";
/// Limit on the files of a page. Real ones have some tens of thousands at most.
const MAX_FILES: usize = 100_000;
const FEWER_FILES: &str = "a page of at most 100000 files";
/// Hash algorithms that clients know, the best first.
pub(super) const KNOWN_HASHES: [&str; 6] = ["sha256", "sha512", "sha384", "sha224", "sha1", "md5"];

/// The path of a page among the files of its project.
pub(super) const PAGE: &str = "simple";

/// The longest address that links are relative to.
const MAX_BASE_BYTES: usize = 4096;

/// The page of a project.
pub(super) fn page_of(project: &str) -> Document {
    Document::new(project, PAGE)
}

/// The page of a project, parsed.
#[derive(Default)]
pub(super) struct Page<'a> {
    /// Version of the API.
    pub(super) version: Option<Text<'a>>,
    /// Status of the project.
    pub(super) status: Option<Text<'a>>,
    /// Why it has this status.
    pub(super) reason: Option<Text<'a>>,
    /// The files, without those whose names cannot be served.
    pub(super) files: Vec<File<'a>>,
    /// The address that links are relative to, if it is not the page's.
    base: Option<Text<'a>>,
    /// The project's name on the page.
    name: Option<Text<'a>>,
    /// Whether it calls itself an index page, or tells of nothing at all.
    is_index: bool,
    /// The number of files that cannot be served.
    unserved: usize,
}

/// A file of a project.
pub(super) struct File<'a> {
    /// Its name.
    pub(super) name: Text<'a>,
    /// Its address, as the upstream wrote it.
    pub(super) url: Text<'a>,
    /// Its digests.
    pub(super) hashes: Hashes<'a>,
    /// The versions of Python that it is for.
    pub(super) requires_python: Option<Text<'a>>,
    /// The digests of its metadata; `None` if that is not offered.
    pub(super) metadata: Option<Hashes<'a>>,
    /// The reason, which may be empty, why it is yanked; `None`: it is not yanked.
    pub(super) yanked: Option<Text<'a>>,
    /// When it was uploaded.
    pub(super) upload_time: Option<Text<'a>>,
    /// Its size in bytes.
    pub(super) size: Option<u64>,
    /// The address of its provenance, as the upstream wrote it.
    pub(super) provenance: Option<Text<'a>>,
}

impl<'a> Page<'a> {
    /// Reads a page.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Problem> {
        let body = without_bom(body);
        if is_json(body) {
            Self::from_json(body)
        } else {
            Self::from_html(&decoded(body))
        }
    }

    /// Refuses a document that is not the page of `project`. Returns how many of its files cannot be
    /// served.
    pub(super) fn check(&self, project: &str) -> Result<usize, Problem> {
        check_version(self.version.as_deref())?;
        let is_page = match &self.name {
            Some(name) => normalised(name) == project,
            None => self.is_index || self.files.iter().any(|file| belongs(project, &file.name)),
        };
        if is_page {
            Ok(self.unserved)
        } else {
            Err(bad_document(A_PAGE))
        }
    }

    /// The file of this name.
    pub(super) fn find(&self, name: &str) -> Option<&File<'a>> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Where a link of the page leads: absolute, or relative to the upstream's address, below which
    /// the page is `{project}/`.
    pub(super) fn locate(&self, project: &str, href: &str) -> Result<String, Problem> {
        let page = format!("{project}/");
        let base = self
            .base
            .as_deref()
            .and_then(|base| link::join(&page, base))
            .unwrap_or(page);
        link::join(&base, href).ok_or_else(|| bad_document("a page with web addresses"))
    }

    fn from_json(body: &'a [u8]) -> Result<Self, Problem> {
        let fields: Object<'a> =
            serde_json::from_slice(body).map_err(|error| unreadable(A_PAGE, error))?;
        let (Some(meta), Some(name)) = (fields.value::<Object<'a>>("meta"), fields.text("name"))
        else {
            return Err(bad_document(A_PAGE));
        };
        let listed = fields.raw("files").ok_or_else(|| bad_document(A_PAGE))?;
        let status = fields.value::<Object<'a>>("project-status");
        let (mut read, mut unserved) = (Vec::new(), 0);
        each_file(listed, |fields| {
            match File::from_json(&fields)? {
                Some(file) => read.push(file),
                None => unserved += 1,
            }
            Ok(())
        })?;
        Ok(Self {
            unserved,
            version: meta.text("api-version"),
            status: status.as_ref().and_then(|status| status.text("status")),
            reason: status.as_ref().and_then(|status| status.text("reason")),
            files: read,
            name: Some(name),
            ..Self::default()
        })
    }

    fn from_html(text: &str) -> Result<Self, Problem> {
        let mut page = Self::default();
        let mut is_empty = true;
        for node in html::nodes(text) {
            is_empty &= matches!(node, Node::Base(_) | Node::Meta(_));
            match node {
                Node::Anchor(attributes, text) => {
                    page.files.extend(File::from_html(attributes, text));
                    if page.files.len() > MAX_FILES {
                        return Err(bad_document(FEWER_FILES));
                    }
                }
                Node::Base(mut attributes) => {
                    // It is joined with the address of every file.
                    let fits = |href: &String| href.len() <= MAX_BASE_BYTES;
                    let href = || attributes.take("href").filter(fits).map(Cow::Owned);
                    page.base = page.base.take().or_else(href);
                }
                Node::Heading(text) => page.is_index |= is_heading(&text),
                Node::Meta(attributes) => page.set_meta(attributes),
                Node::Form => {}
            }
        }
        page.is_index |= is_empty && is_markup(text);
        Ok(page)
    }

    fn set_meta(&mut self, mut attributes: Attributes) {
        let Some(content) = attributes.take("content").map(Cow::Owned) else {
            return;
        };
        match attributes.get("name") {
            Some("pypi:repository-version") => {
                self.version = Some(content);
                self.is_index = true;
            }
            Some("pypi:project-status") => self.status = Some(content),
            Some("pypi:project-status-reason") => self.reason = Some(content),
            _ => {}
        }
    }
}

impl<'a> File<'a> {
    /// Reads a file of a JSON page; `None` for one that cannot be served.
    fn from_json(fields: &Object<'a>) -> Result<Option<Self>, Problem> {
        let (Some(name), Some(url)) = (file_name(fields), fields.text("url")) else {
            return Ok(None);
        };
        let digests = |value: &'a RawValue| Ok(known(json::nested(A_PAGE, value)?.texts()));
        let hashes = fields.raw("hashes").map(digests).transpose()?;
        // The newer key wins over the older one.
        let key = if fields.raw("core-metadata").is_some() {
            "core-metadata"
        } else {
            "dist-info-metadata"
        };
        let metadata = match fields.raw(key).map(RawValue::get) {
            Some("true") => Some(Vec::new()),
            Some(raw) if raw.starts_with('{') => fields
                .value::<Object<'a>>(key)
                .map(|digests| known(digests.texts())),
            _ => None,
        };
        let yanked = match fields.raw("yanked").map(RawValue::get) {
            Some("true") => Some(Cow::Borrowed("")),
            _ => fields.text("yanked").filter(|reason| !reason.is_empty()),
        };
        Ok(Some(Self {
            name,
            url,
            hashes: hashes.unwrap_or_default(),
            requires_python: fields.text("requires-python"),
            metadata,
            yanked,
            upload_time: fields.text("upload-time"),
            size: fields.value("size"),
            provenance: fields.text("provenance"),
        }))
    }

    /// Reads an anchor; `None` for one that does not lead to a distribution.
    fn from_html(mut attributes: Attributes, text: String) -> Option<Self> {
        let url = attributes.take("href")?;
        // Clients take the name from the URL. The text may be truncated.
        let named = link::last_segment(&url)
            .filter(|name| is_distribution(name))
            .map(Cow::into_owned);
        let name = named.or_else(|| is_distribution(&text).then_some(text))?;
        let fragment = url.split_once('#').map_or("", |(_, fragment)| fragment);
        // Others may be many, and are of no use.
        let known = |part: &&str| {
            let name = part.split_once('=').map(|(name, _)| name);
            name.is_some_and(|name| KNOWN_HASHES.contains(&name))
        };
        let hashes = fragment.split('&').filter(known).take(KNOWN_HASHES.len());
        let hashes = hashes.filter_map(digest).collect();
        let metadata = ["data-core-metadata", "data-dist-info-metadata"]
            .into_iter()
            .find_map(|key| match attributes.get(key)? {
                "true" => Some(Vec::new()),
                value => digest(value).map(|digest| vec![digest]),
            });
        let size = attributes
            .get("data-size")
            .and_then(|size| size.parse().ok());
        let mut value = |name| attributes.take(name).map(Cow::Owned);
        let is_filled = |value: &Text<'_>| !value.is_empty();
        Some(Self {
            name: name.into(),
            hashes,
            requires_python: value("data-requires-python").filter(is_filled),
            metadata,
            yanked: value("data-yanked"),
            upload_time: value("data-upload-time").filter(is_filled),
            size,
            provenance: value("data-provenance").filter(is_filled),
            url: url.into(),
        })
    }
}

/// A digest as fragments and attributes have it: `{algorithm}={hex}`.
fn digest<'a>(text: &str) -> Option<(Text<'a>, Text<'a>)> {
    let (name, hex) = text.split_once('=')?;
    Some((name.to_owned().into(), hex.to_owned().into()))
}

/// The integrity of a file: its best digest.
pub(super) fn integrity(hashes: &Hashes<'_>) -> Result<Integrity, Problem> {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let mut known = hashes.iter();
        let Some((name, hex)) = known.find(|(name, _)| name == algorithm.name()) else {
            continue;
        };
        let digest: Result<Digest, _> = format!("{name}:{}", hex.to_ascii_lowercase()).parse();
        return digest
            .map(Integrity::Digest)
            .map_err(|error| bad_document("a page with checksums").because(error));
    }
    Ok(Integrity::None)
}

/// Passes the files of a JSON page to a function, one after another: their fields are not kept.
pub(super) fn each_file<'a>(
    files: &'a RawValue,
    each: impl FnMut(Object<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    struct Walk<F>(F);
    impl<'a, F: FnMut(Object<'a>) -> Result<(), Problem>> Visitor<'a> for Walk<F> {
        type Value = Result<(), Problem>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of files")
        }

        fn visit_seq<A: SeqAccess<'a>>(mut self, mut files: A) -> Result<Self::Value, A::Error> {
            let mut outcome = Ok(());
            let mut count = 0;
            while let Some(file) = files.next_element::<Object<'a>>()? {
                count += 1;
                if count > MAX_FILES {
                    return Err(A::Error::custom(FEWER_FILES));
                }
                if outcome.is_ok() {
                    outcome = (self.0)(file);
                }
            }
            Ok(outcome)
        }
    }
    let mut reader = serde_json::Deserializer::from_str(files.get());
    let walked = reader.deserialize_seq(Walk(each));
    walked.map_err(|error| unreadable(A_PAGE, error))?
}

/// The digests of algorithms that clients know.
fn known(hashes: Hashes<'_>) -> Hashes<'_> {
    let mut hashes = hashes;
    hashes.retain(|(name, _)| KNOWN_HASHES.contains(&&**name));
    hashes.shrink_to_fit();
    hashes
}

/// The name of a file on a JSON page; `None` if it cannot be served.
pub(super) fn file_name<'a>(fields: &Object<'a>) -> Option<Text<'a>> {
    fields.text("filename").filter(|name| is_file(name))
}

/// Whether a page is JSON; if not, it is HTML.
pub(super) fn is_json(body: &[u8]) -> bool {
    without_bom(body).trim_ascii_start().first() == Some(&b'{')
}

/// Decodes HTML. What is not UTF-8 is Latin-1, each byte of which is the character of its number: what
/// counts of a page is ASCII in both.
pub(super) fn decoded(body: &[u8]) -> Cow<'_, str> {
    let body = without_bom(body);
    str::from_utf8(body).map_or_else(
        |_| body.iter().copied().map(char::from).collect(),
        Cow::Borrowed,
    )
}

/// Whether text is HTML that leads nowhere else: no script, and no redirect of a login.
fn is_markup(text: &str) -> bool {
    let text = text.trim_start();
    let lower = text.to_ascii_lowercase();
    text.starts_with('<') && !lower.contains("<script") && !lower.contains("http-equiv")
}

/// Refuses a major version of the API other than 1. A page without a version has version 1.
pub(super) fn check_version(version: Option<&str>) -> Result<(), Problem> {
    match version.and_then(|version| version.trim().split('.').next()) {
        None | Some("1") => Ok(()),
        Some(_) => Err(bad_document("an index of version 1")),
    }
}

/// Whether a title or a first heading is that of an index page, or of a listing of files.
pub(super) fn is_heading(text: &str) -> bool {
    let begins = |with: &str| {
        text.get(..with.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(with))
    };
    begins("links for") || begins("simple index") || begins("index of")
}
