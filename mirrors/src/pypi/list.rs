//! The list of all projects, which may have tens of megabytes. It is streamed, never parsed as a
//! whole.

use super::html::{self, Node};
use super::link;
use super::names::{is_project, normalised};
use super::page::{check_version, decoded, is_heading, is_json};
use super::render::{OLDEST, head};
use crate::json::{Object, unreadable};
use crate::text::{bad_document, without_bom};
use larder_model::Problem;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The path of the list of all projects.
pub(super) const PROJECTS: &str = "projects";
const A_LIST: &str = "a list of projects";

#[derive(serde::Deserialize)]
struct Project<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Refuses a document that is not a list of projects.
pub(super) fn check(body: &[u8]) -> Result<usize, Problem> {
    if is_json(body) {
        let (version, projects) = parts(body)?;
        check_version(version.as_deref())?;
        walk_json(projects, |_| ())?;
        return Ok(0);
    }
    let (mut version, mut is_index, mut form, mut projects, mut others) =
        (None, false, false, 0, 0);
    for node in html::nodes(&decoded(body)) {
        match node {
            Node::Meta(mut attributes)
                if attributes.get("name") == Some("pypi:repository-version") =>
            {
                version = attributes.take("content");
                is_index = true;
            }
            Node::Heading(text) => is_index |= is_heading(&text),
            Node::Form => form = true,
            Node::Anchor(attributes, text) if is_link(&attributes, &text) => projects += 1,
            Node::Anchor(..) => others += 1,
            Node::Meta(_) | Node::Base(_) => {}
        }
    }
    check_version(version.as_deref())?;
    if is_index || (projects > 0 && others == 0 && !form) {
        Ok(0)
    } else {
        Err(bad_document(A_LIST))
    }
}

/// The list as JSON.
pub(super) fn json(body: &[u8]) -> Vec<u8> {
    if is_json(body) {
        return without_bom(body).to_vec();
    }
    let mut out = format!("{{\"meta\":{{\"api-version\":\"{OLDEST}\"}},\"projects\":[");
    let mut comma = "";
    walk_html(&decoded(body), |name| {
        // The name has no character that JSON escapes.
        out.push_str(&format!("{comma}{{\"name\":\"{name}\"}}"));
        comma = ",";
    });
    out.push_str("]}");
    out.into_bytes()
}

/// The list as HTML.
pub(super) fn html(body: &[u8]) -> Result<Vec<u8>, Problem> {
    let json = if is_json(body) {
        Some(parts(body)?)
    } else {
        None
    };
    let version = json
        .as_ref()
        .and_then(|(version, _)| version.as_deref())
        .unwrap_or(OLDEST);
    let mut out = head(version);
    out.reserve(body.len() * 2);
    out.push_str("<title>Simple index</title>\n</head>\n<body>\n");
    let line = |name: &str| {
        out.push_str("<a href=\"");
        out.push_str(&normalised(name));
        out.push_str("/\">");
        out.push_str(name);
        out.push_str("</a><br/>\n");
    };
    match json {
        Some((_, projects)) => walk_json(projects, line)?,
        None => walk_html(&decoded(body), line),
    }
    out.push_str("</body>\n</html>\n");
    Ok(out.into_bytes())
}

/// The API version and the projects of a JSON list.
fn parts(body: &[u8]) -> Result<(Option<Cow<'_, str>>, &RawValue), Problem> {
    let fields: Object<'_> =
        serde_json::from_slice(without_bom(body)).map_err(|error| unreadable(A_LIST, error))?;
    let meta: Option<Object<'_>> = fields.value("meta");
    let (Some(meta), Some(projects)) = (meta, fields.raw("projects")) else {
        return Err(bad_document(A_LIST));
    };
    Ok((meta.text("api-version"), projects))
}

/// Passes each valid name to a function.
fn walk_json(projects: &RawValue, each: impl FnMut(&str)) -> Result<(), Problem> {
    struct Walk<F>(F);
    impl<'a, F: FnMut(&str)> Visitor<'a> for Walk<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(A_LIST)
        }

        fn visit_seq<A: SeqAccess<'a>>(mut self, mut all: A) -> Result<(), A::Error> {
            while let Some(project) = all.next_element::<Project<'a>>()? {
                if is_project(&project.name) {
                    (self.0)(&project.name);
                }
            }
            Ok(())
        }
    }
    let mut reader = serde_json::Deserializer::from_str(projects.get());
    reader
        .deserialize_seq(Walk(each))
        .map_err(|error| unreadable(A_LIST, error))
}

fn walk_html(page: &str, mut each: impl FnMut(&str)) {
    for node in html::nodes(page) {
        if let Node::Anchor(attributes, text) = node
            && is_link(&attributes, &text)
        {
            each(&text);
        }
    }
}

/// Whether an anchor leads to the page of the project that it names.
fn is_link(attributes: &html::Attributes, text: &str) -> bool {
    let Some(href) = attributes.get("href").filter(|_| is_project(text)) else {
        return false;
    };
    let folder = href
        .split(['#', '?'])
        .next()
        .and_then(|path| path.strip_suffix('/'));
    folder
        .and_then(link::last_segment)
        .is_some_and(|segment| normalised(&segment) == normalised(text))
}
