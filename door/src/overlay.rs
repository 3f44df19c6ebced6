//! What is put into kept bytes on their way out, where they depend on the request: the address at
//! which a client sees this server.

use crate::body::{Body, Wire};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use larder_model::Digest;
use larder_storage::content::{PIECE_BYTES, read_piece};
use larder_storage::{Content, Error};
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

/// A file with so many places is sent in pieces of it; with more it is read.
const FEW: usize = 16;

/// What is put into kept bytes.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The number of kept bytes that are shown; what follows them tells of them.
    pub size: u64,
    /// The entity tag of what is shown.
    pub tag: Digest,
    /// Where the filling goes, in order.
    pub places: Arc<[u32]>,
    /// What stands there.
    pub filling: Bytes,
    /// What else stands somewhere, behind all places.
    pub last: Option<(u64, Bytes)>,
    /// The first of the kept bytes, if they are at hand: they need not be read.
    pub head: Bytes,
}

impl Overlay {
    /// What is put into a range, and where.
    fn within(&self, range: &Range<u64>) -> impl Iterator<Item = (u64, &Bytes)> {
        let length = self.filling.len() as u64;
        let first = self
            .places
            .partition_point(|at| u64::from(*at) + length <= range.start);
        let places = self.places.get(first..).unwrap_or_default();
        let places = places.iter().map(|at| (u64::from(*at), &self.filling));
        let (start, end) = (range.start, range.end);
        let last = self.last.iter().map(|(at, bytes)| (*at, bytes));
        let last = last.filter(move |(at, bytes)| at + bytes.len() as u64 > start);
        places.chain(last).take_while(move |(at, _)| *at < end)
    }

    /// Kept bytes from `start` on, as they are shown.
    pub fn onto(&self, kept: Bytes, start: u64) -> Bytes {
        let range = start..start + kept.len() as u64;
        let mut places = self.within(&range).peekable();
        if places.peek().is_none() {
            return kept;
        }
        let mut bytes = BytesMut::from(kept);
        for (at, filling) in places {
            let (own, skipped) = (at.saturating_sub(start), start.saturating_sub(at));
            let (Ok(own), Ok(skipped)) = (usize::try_from(own), usize::try_from(skipped)) else {
                continue;
            };
            let filling = filling.get(skipped..).unwrap_or_default();
            let length = filling.len().min(bytes.len().saturating_sub(own));
            if let Some(place) = bytes.get_mut(own..own + length) {
                place.copy_from_slice(&filling[..length]);
            }
        }
        bytes.freeze()
    }

    /// A body of a range of kept bytes, as they are shown.
    pub(crate) fn body(self, kept: Content, range: Range<u64>, wire: Option<Wire>) -> Body {
        let length = range.end - range.start;
        let start = range.start;
        match kept {
            Content::Ready(bytes) => self.onto(bytes, start).into(),
            Content::File { file, range: own } => {
                let few = self.within(&range).take(FEW + 1).count() <= FEW;
                let parts = if few {
                    self.parts(&file, own, range)
                } else {
                    self.pieces(file, own, start)
                };
                Body::of_parts(parts, Some(length), wire)
            }
            Content::Stream(stream) => {
                let mut at = start;
                let pieces = stream.map(move |piece| {
                    let piece = piece?;
                    let here = at;
                    at += piece.len() as u64;
                    Ok(self.onto(piece, here))
                });
                Body::of_content(Content::Stream(pieces.boxed()), length, wire)
            }
        }
    }

    /// The parts of a file between the places, which the kernel can send, and what is put there.
    fn parts(
        &self,
        file: &Arc<File>,
        own: Range<u64>,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Content, Error>> {
        let part = |from: u64, to: u64| {
            let at_hand = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let at_hand = at_hand.filter(|(_, to)| *to <= self.head.len());
            if let Some((from, to)) = at_hand {
                return Content::Ready(self.head.slice(from..to));
            }
            Content::File {
                file: Arc::clone(file),
                range: own.start + from - range.start..own.start + to - range.start,
            }
        };
        let mut parts = Vec::new();
        let mut at = range.start;
        for (place, filling) in self.within(&range) {
            let end = (place + filling.len() as u64).min(range.end);
            if at < place {
                parts.push(part(at, place));
                at = place;
            }
            let skipped = usize::try_from(at - place).unwrap_or(usize::MAX);
            let length = usize::try_from(end - place).unwrap_or(usize::MAX);
            parts.push(Content::Ready(filling.slice(skipped..length)));
            at = end;
        }
        if at < range.end {
            parts.push(part(at, range.end));
        }
        stream::iter(parts.into_iter().map(Ok)).boxed()
    }

    /// A file piece by piece, with what is put into each.
    fn pieces(
        self,
        file: Arc<File>,
        own: Range<u64>,
        start: u64,
    ) -> BoxStream<'static, Result<Content, Error>> {
        let first = own.start;
        let steps = move |from: u64| {
            let (file, overlay, own) = (Arc::clone(&file), self.clone(), own.clone());
            async move {
                let left = own.end.saturating_sub(from);
                if left == 0 {
                    return None;
                }
                let length = PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES));
                let at = start + (from - own.start);
                let read = move || Ok(overlay.onto(read_piece(&file, from, length)?, at));
                let piece = tokio::task::spawn_blocking(read).await;
                let piece = piece.map_err(Error::from).flatten().map(Content::Ready);
                Some((piece, from + length as u64))
            }
        };
        stream::unfold(first, steps).boxed()
    }
}

#[cfg(test)]
mod tests;
