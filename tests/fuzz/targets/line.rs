//! A request to any protocol is read or refused, never a panic, and whatever is asked for can be
//! looked for upstream.
#![no_main]
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use larder_mirrors::{Call, ReadRequest, RepoRequest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str, &str, &str)| {
    let (method, path, query, accept) = input;
    let methods = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
    let method = methods[usize::from(method) % methods.len()].clone();
    let mut headers = HeaderMap::new();
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(ACCEPT, accept);
    }
    let Ok(request) = RepoRequest::new(&method, path, query, &headers) else { return };
    assert!(
        request.segments.iter().all(|segment| !matches!(&**segment, "." | "..") && !segment.contains(char::is_control))
    );
    for protocol in larder_mirrors::all() {
        match protocol.parse(&request) {
            Ok(Call::Read(ReadRequest::Document(document, _) | ReadRequest::Part(document, ..))) => {
                drop(protocol.source(&document, &[]));
            }
            Ok(Call::Read(ReadRequest::Artifact(artifact))) => {
                drop(protocol.plan(&artifact, &[], &[]));
            }
            Ok(Call::Search(search)) => {
                let _ = protocol.search().expect("searches").source(&search, &[]);
            }
            _ => {}
        }
    }
});
