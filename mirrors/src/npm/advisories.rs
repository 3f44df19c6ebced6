//! Advisories for many packages at once (`npm audit`, and after every `npm install`).

use super::JSON;
use super::names::{is_name, is_version};
use crate::json::unreadable;
use crate::query::UpstreamQuery;
use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use larder_model::{Problem, Reply};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Packages with their versions, which are asked for in one go.
#[derive(Debug)]
pub(super) struct Advisories;

fn read(body: &[u8]) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let read: Result<BTreeMap<String, Vec<String>>, _> = serde_json::from_slice(body);
    let mut packages = read.map_err(|error| {
        Problem::invalid("body", "the body is no list of packages with versions").because(error)
    })?;
    packages.retain(|name, versions| {
        versions.retain(|version| is_version(version));
        is_name(name) && !versions.is_empty()
    });
    Ok(packages)
}

impl UpstreamQuery for Advisories {
    fn path(&self) -> &'static str {
        "-/npm/v1/security/advisories/bulk"
    }

    fn named(&self, body: &[u8]) -> Result<Vec<Box<str>>, Problem> {
        Ok(read(body)?.into_keys().map(Into::into).collect())
    }

    fn question(&self, body: &[u8], taken: &[Box<str>]) -> Result<Option<Vec<u8>>, Problem> {
        let mut packages = read(body)?;
        packages.retain(|name, _| taken.iter().all(|taken| **taken != **name));
        let question = (!packages.is_empty()).then(|| serde_json::to_vec(&packages));
        question.transpose().map_err(Problem::internal)
    }

    fn answer(&self, answers: &[Bytes]) -> Result<Reply, Problem> {
        let mut advisories: BTreeMap<String, Vec<&RawValue>> = BTreeMap::new();
        for answer in answers {
            let read: Result<BTreeMap<String, Vec<&RawValue>>, _> = serde_json::from_slice(answer);
            for (name, told) in read.map_err(|error| unreadable("a list of advisories", error))? {
                advisories.entry(name).or_default().extend(told);
            }
        }
        let body = serde_json::to_vec(&advisories).map_err(Problem::internal)?;
        let reply = Reply::new(StatusCode::OK).with_body(JSON, body);
        Ok(reply.with(CACHE_CONTROL, HeaderValue::from_static("no-store")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_model::Kind;

    #[test]
    fn upstreams_hear_nothing_of_packages_that_are_taken() {
        let body =
            br#"{"a":["1.0.0","2.0.0"],"@acme/b":["1.0.0"],"../c":["1.0.0"],"d":["x y"],"e":[]}"#;
        assert_eq!(
            Advisories.named(body).expect("names"),
            ["@acme/b".into(), "a".into()]
        );
        let question = Advisories
            .question(body, &["@acme/b".into()])
            .expect("a question");
        assert_eq!(
            question.as_deref(),
            Some(br#"{"a":["1.0.0","2.0.0"]}"#.as_slice())
        );
        assert_eq!(
            Advisories
                .question(body, &["@acme/b".into(), "a".into()])
                .expect("nothing"),
            None
        );
        for bad in ["", "[]", r#"{"a":"1.0.0"}"#, r#"{"a":[1]}"#] {
            assert_eq!(
                Advisories.named(bad.as_bytes()).expect_err(bad).kind,
                Kind::Invalid
            );
        }
    }

    #[test]
    fn answers_are_joined() {
        let answer = |answers: &[&'static str]| {
            let answers: Vec<Bytes> = answers
                .iter()
                .map(|answer| Bytes::from_static(answer.as_bytes()))
                .collect();
            Advisories
                .answer(&answers)
                .map(|reply| String::from_utf8_lossy(&reply.body).into_owned())
        };
        assert_eq!(answer(&[]).expect("none"), "{}");
        let both = answer(&[r#"{"a":[{"id":1.0}]}"#, r#"{"b":[],"a":[{"id":2}]}"#]);
        assert_eq!(both.expect("both"), r#"{"a":[{"id":1.0},{"id":2}],"b":[]}"#);
        assert_eq!(
            answer(&["<html>"]).expect_err("no answer").kind,
            Kind::Upstream
        );
    }
}
