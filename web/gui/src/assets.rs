//! Style sheet, scripts and icons: embedded, compressed, and under names that change with their
//! bytes, so that a browser asks once for each.

use crate::coding::takes;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Response};

/// A file that pages refer to.
pub(crate) struct Asset {
    name: &'static str,
    media_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

impl Asset {
    /// The asset of that name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }

    /// The answer to a browser that takes these encodings.
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response<axum::body::Body> {
        let (bytes, coding) = if takes(headers, "br") {
            (self.brotli, Some("br"))
        } else if takes(headers, "gzip") {
            (self.gzip, Some("gzip"))
        } else {
            (self.plain, None)
        };
        let mut response = Response::new(axum::body::Body::from(bytes));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(coding) = coding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

#[cfg(test)]
mod tests;
