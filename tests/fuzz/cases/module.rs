//! Whatever an upstream sends as a file of a module, its contents are summed up or refused; and what is
//! published has all files of its version.
use bytes::Bytes;
use http::{HeaderMap, Method};
use larder_mirrors::publishing::{PublishLimits, Step};
use larder_mirrors::{Call, Plan, Protocol, ReadRequest, RepoRequest, go};
use std::io::Cursor;

const MODULE: &str = "/example.com/!azure/thing/@v/v1.2.3";

/// Whatever comes, nothing panics.
pub fn run(body: &[u8]) {
    let headers = HeaderMap::new();
    for ending in [".zip", ".mod", ".info"] {
        let path = format!("{MODULE}{ending}");
        let request = RepoRequest::new(&Method::GET, &path, "", &headers).expect("request");
        let Ok(Call::Read(ReadRequest::Artifact(artifact))) = go::Go.parse(&request) else {
            panic!("{path}")
        };
        // What vouches for it may be anything, too.
        let _ = go::Go.plan(&artifact, &[Some(Bytes::copy_from_slice(body))], &[]);
        let Ok(Plan::Fetch(fetch)) = go::Go.plan(&artifact, &[None], &[]) else {
            panic!("{path}")
        };
        let contents = fetch.integrity.contents().expect("contents");
        let one = contents.require(&mut Cursor::new(body)).ok();
        assert_eq!(one, contents.require(&mut Cursor::new(body)).ok());
    }
    let path = format!("{MODULE}.zip");
    let request = RepoRequest::new(&Method::PUT, &path, "", &headers).expect("request");
    let Ok(Call::Publish(publish)) = go::Go.parse(&request) else {
        panic!("{path}")
    };
    let steps = publish
        .action
        .steps(&mut Cursor::new(body), &[], &PublishLimits::default());
    let added = |step: &Step| matches!(step, Step::Add { version, .. } if version == "v1.2.3");
    if let Ok(steps) = steps {
        assert!(steps.len() == 3 && steps.iter().all(added));
    }
}
