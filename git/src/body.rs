//! Bodies of requests, which clients may pack.

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use larder_model::{Kind, Problem};
use std::io::Read as _;

/// The most bytes of a request for objects: names of a few hundred thousand.
pub const MAX_REQUEST: u64 = 32 << 20;

/// A request's body as it was before it was packed.
pub fn plain(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    let encoding = headers.get(CONTENT_ENCODING);
    match encoding.map(HeaderValue::as_bytes) {
        None | Some(b"identity") => return Ok(body),
        Some(b"gzip" | b"x-gzip") => {}
        Some(_) => {
            let detail = "requests are packed with gzip or not at all";
            return Err(Problem::new(Kind::Unsupported, "encoding", detail));
        }
    }
    let mut plain = Vec::new();
    let mut decoder = MultiGzDecoder::new(&body[..]).take(MAX_REQUEST + 1);
    decoder
        .read_to_end(&mut plain)
        .map_err(|error| Problem::invalid("body", "the body is badly packed").because(error))?;
    if plain.len() as u64 > MAX_REQUEST {
        let detail = format!("the request has more than {MAX_REQUEST} bytes");
        return Err(Problem::new(Kind::TooLarge, "body", detail));
    }
    Ok(plain.into())
}
