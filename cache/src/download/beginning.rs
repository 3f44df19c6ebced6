//! How an artifact may begin of which nothing is promised: what comes first stays for good, so a page of a
//! login must not be it.

use super::faults::other_content;
use crate::upstream::UpstreamBody;
use bytes::Bytes;
use larder_mirrors::protocol::FIRST_BYTES;
use larder_mirrors::{Artifact, Protocol};
use larder_model::Problem;

/// What is known of an artifact before its bytes come.
pub(super) struct Beginning<'a> {
    pub(super) protocol: &'static dyn Protocol,
    pub(super) artifact: &'a Artifact,
    /// Whether it is told what its bytes are.
    pub(super) is_promised: bool,
}

impl Beginning<'_> {
    /// Fails if bytes begin as no such artifact can.
    pub(super) fn require(&self, bytes: &[u8]) -> Result<(), Problem> {
        if self.is_promised || self.protocol.can_begin(self.artifact, bytes) {
            return Ok(());
        }
        Err(other_content())
    }

    /// The first bytes of a body, as one piece, once they are enough to tell; `None`: nobody need look.
    pub(super) async fn piece(&self, body: &mut UpstreamBody) -> Result<Option<Bytes>, Problem> {
        if self.is_promised {
            return Ok(None);
        }
        let mut piece = Bytes::new();
        while piece.len() < FIRST_BYTES {
            let Some(next) = body.next().await? else {
                break;
            };
            piece = if piece.is_empty() {
                next
            } else {
                [piece, next].concat().into()
            };
        }
        self.require(&piece)?;
        Ok(Some(piece))
    }
}

/// As many bytes as tell how it begins.
pub(super) fn first_of(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&bytes[..bytes.len().min(FIRST_BYTES)])
}
