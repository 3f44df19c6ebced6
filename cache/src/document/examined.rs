//! What is read in a document's bytes when they have come: whether they are the document, and what of
//! them is needed later. So they need not stay in memory.

use super::job::Made;
use super::signed::require_signed;
use super::wishes::Wish;
use bytes::Bytes;
use larder_keys::TrustedKeys;
use larder_mirrors::protocol::{Signature, StateAge};
use larder_mirrors::{Document, PromisedDocument, Protocol, Set};
use larder_model::{Digest, Kind, Problem, Timestamp};
use std::sync::Arc;

/// What the bytes of a document are read for.
pub(super) struct Examiner {
    pub(super) protocol: &'static dyn Protocol,
    pub(super) document: Document,
    /// The digest that the upstream claims.
    pub(super) claimed: Option<Digest>,
    /// What a list of mirrors says that the document is.
    pub(super) promised: Option<PromisedDocument>,
    /// The media type that the upstream says.
    pub(super) content_type: String,
    /// What signs it, if that matters, and now.
    pub(super) trusted: Option<Arc<TrustedKeys>>,
    pub(super) now: Timestamp,
    /// What is to be made of it.
    pub(super) wish: Option<Arc<Wish>>,
}

/// What was read in them.
pub(super) struct Examined {
    /// Entries that are passed over.
    pub(super) passed_over: usize,
    /// What belongs together with the document.
    pub(super) set: Set,
    /// Which of the promised bodies it is.
    pub(super) rank: Option<usize>,
    /// When the state was made of which it is the head, and how long it is good.
    pub(super) age: StateAge,
    pub(super) content_type: String,
    /// What was wished, if it could be made.
    pub(super) made: Option<Made>,
}

impl Examiner {
    /// Reads a document's bytes, which are refused if they cannot be it.
    pub(super) fn examine(self, body: &Bytes) -> Result<Examined, Problem> {
        self.require_claimed(body)?;
        let rank = self.require_promised(body)?;
        let (document, mut content_type) = (&self.document, self.content_type);
        let (passed_over, rendered) = match &self.wish {
            None => (self.protocol.check(document, body)?, None),
            Some(wish) => self.protocol.check_and_render(&wish.recipe.asked(), body)?,
        };
        let media_types = self.protocol.media_types();
        if let Some(types) = media_types.filter(|types| types.are_told_by(document.kind)) {
            content_type = types.of(body, &content_type);
        }
        let sets = self.protocol.sets();
        let set = sets.map(|sets| sets.set(document, body)).transpose()?;
        let age = sets.map_or_else(StateAge::default, |sets| sets.age(body));
        if let (Some(sets), Some(trusted)) = (sets, &self.trusted)
            && sets.signature(document) == Signature::Within
        {
            require_signed(sets, trusted, (document, body), &[], self.now)?;
        }
        // What cannot be made is told to whoever wished it, when he asks for it.
        let made = self.wish.zip(rendered).and_then(|(wish, rendered)| {
            let packing = wish.recipe.first_packing(body.len() as u64);
            wish.recipe.finish(rendered, packing).ok()
        });
        Ok(Examined {
            made,
            passed_over,
            set: set.unwrap_or_default(),
            age,
            rank,
            content_type,
        })
    }

    /// A document of which a list of mirrors tells what it is, is that.
    fn require_promised(&self, body: &Bytes) -> Result<Option<usize>, Problem> {
        let Some(promised) = &self.promised else {
            return Ok(None);
        };
        if let Some(rank) = promised.rank(body) {
            return Ok(Some(rank));
        }
        let detail = format!(
            "no mirror of the upstream has the {} that its list of mirrors promises",
            self.document.path
        );
        Err(Problem::new(Kind::DigestMismatch, "document", detail))
    }

    /// A document that is kept under its digest too has the digest that the upstream claims, if it
    /// claims one.
    fn require_claimed(&self, body: &Bytes) -> Result<(), Problem> {
        let (Some(claimed), Some(digests)) = (self.claimed, self.protocol.digests()) else {
            return Ok(());
        };
        let digest = Digest::of(claimed.algorithm(), body);
        if digest == claimed || digests.alias(&self.document, &digest).is_none() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Upstream,
            "document",
            "the upstream's bytes are not those whose digest it tells",
        ))
    }
}
