//! Pages of our own: in them nothing runs, nothing is fetched, and nobody frames them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_model::{Algorithm, Digest};

/// The media type of pages.
pub(crate) const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// The policy (CSP 3) of a page whose only style sheet is `style`, inline, and whose forms go where
/// `forms` says.
pub(crate) fn policy(style: &str, forms: &str) -> String {
    let hash = STANDARD.encode(Digest::of(Algorithm::Sha256, style.as_bytes()).bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    )
}
