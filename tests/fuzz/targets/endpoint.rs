//! A request is read or refused, never a panic; whatever names an image names a valid one.
#![no_main]
use http::{Method, Request};
use larder_registry::endpoint::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str, &str)| {
    let (method, path, range) = input;
    let methods = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
    let method = methods[usize::from(method) % methods.len()].clone();
    let request = Request::builder().method(method).uri(format!("/v2/{path}")).header("content-range", range).body(());
    if let Ok(request) = request {
        let _ = parse(&request.into_parts().0);
    }
});
