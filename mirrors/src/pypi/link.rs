//! URLs in pages: those that this server writes, and those of upstreams.

use super::names::version_of;
use crate::text;
use larder_model::percent;
use std::borrow::Cow;

/// The link from the page of a project to a file. It is relative, so that lock files stay valid when
/// the host changes.
pub(super) fn to_file(project: &str, file: &str) -> String {
    format!("../../packages/{project}/{}", text::segment(file))
}

/// The link from the page of a project to a file's provenance; `None` if the file's name has no
/// version.
pub(super) fn to_provenance(project: &str, file: &str) -> Option<String> {
    let version = text::segment(version_of(project, file)?);
    Some(format!(
        "../../integrity/{project}/{version}/{}/provenance",
        text::segment(file)
    ))
}

/// Where `href` leads from a page at `base` (WHATWG URL, "URL parsing"), without its fragment. A
/// relative `base` stays relative, leading `..` included: only the caller knows the address above
/// it. `None` if it is no web address.
pub(super) fn join(base: &str, href: &str) -> Option<String> {
    let href = without_fragment(href.trim());
    if href.is_empty() || href.contains(|char: char| char.is_control() || char == '\\') {
        return None;
    }
    if let Some(scheme) = scheme(href) {
        let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
        return (web && href[scheme.len()..].starts_with("://")).then(|| href.to_owned());
    }
    let (origin, base_path) = origin(base);
    if href.starts_with("//") {
        let scheme = scheme(origin)
            .map(|scheme| format!("{scheme}:"))
            .unwrap_or_default();
        return Some(format!("{scheme}{href}"));
    }
    let (path, query) = href.split_at(href.find('?').unwrap_or(href.len()));
    let folder = base_path.rfind('/').map_or("", |at| &base_path[..=at]);
    let path = match path {
        "" => clean(base_path),
        _ if path.starts_with('/') => clean(path),
        _ if folder.is_empty() && !origin.is_empty() => clean(&format!("/{path}")),
        _ => clean(&format!("{folder}{path}")),
    };
    Some(format!("{origin}{path}{query}"))
}

/// The last segment of a URL's path, decoded if its encoding is valid.
pub(super) fn last_segment(href: &str) -> Option<Cow<'_, str>> {
    let path = without_fragment(href).split('?').next()?;
    let segment = path.rsplit('/').next()?;
    Some(percent::decode(segment).unwrap_or(Cow::Borrowed(segment)))
}

fn without_fragment(href: &str) -> &str {
    href.split_once('#').map_or(href, |(address, _)| address)
}

fn scheme(href: &str) -> Option<&str> {
    let (scheme, _) = href.split_once(':')?;
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    (scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(inner))
        .then_some(scheme)
}

/// Splits a URL into scheme and host, which may be empty, and the path.
fn origin(address: &str) -> (&str, &str) {
    let address = address.split('?').next().unwrap_or_default();
    let start = scheme(address).map_or(0, |scheme| scheme.len() + 1);
    let Some(rest) = address
        .get(start..)
        .and_then(|rest| rest.strip_prefix("//"))
    else {
        return ("", address);
    };
    let host = rest.find('/').unwrap_or(rest.len());
    address.split_at(address.len() - rest.len() + host)
}

/// Resolves `.` and `..` in a path. `..` at the start of a relative path stays.
fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(usize::from(absolute)) {
        match segment {
            "." => {}
            ".." if segments.last().is_some_and(|last| *last != "..") => _ = segments.pop(),
            ".." if absolute => {}
            _ => segments.push(segment),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        segments.push("");
    }
    // An absolute path must not look like a host, nor a relative one like a scheme.
    let mistakable = segments.first().is_some_and(|first| {
        (first.is_empty() && segments.len() > 1) || (!absolute && first.contains(':'))
    });
    format!(
        "{}{}{}",
        if absolute { "/" } else { "" },
        if mistakable { "./" } else { "" },
        segments.join("/")
    )
}
