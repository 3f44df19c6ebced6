//! How a rendered document is kept: its bytes, where in them the address of this server goes, and how
//! their checksum depends on it. So one form serves all addresses.
//!
//! ```text
//! bytes │ places: 4 bytes each │ how many, their bytes, checksum, its factor, packed?: 4 bytes each
//! ```

use super::packing::{PlacesSum, pack};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use larder_door::Overlay;
use larder_mirrors::Rendering;
use larder_mirrors::rendering::filling;
use larder_model::{Algorithm, Digest, Problem};
use std::ops::Range;
use std::sync::Arc;

/// The bytes at a form's end that tell how it is kept.
pub(super) const TAIL_BYTES: usize = 20;
/// The bytes of a number.
const NUMBER_BYTES: u64 = 4;
/// The end of a gzip member: its checksum, and the length of what is packed.
const END_BYTES: usize = 8;
/// So many bytes of a large form stay in memory, for nearly all begin with their only place.
const HEAD_BYTES: u64 = 2048;

/// Writes a form.
pub(super) fn write(rendering: Rendering, is_packed: bool) -> Result<Bytes, Problem> {
    let place_bytes = u32::try_from(rendering.place_bytes()).map_err(Problem::internal)?;
    let (mut bytes, places, sum);
    if is_packed {
        let packed = pack(&rendering)?;
        (bytes, places, sum) = (packed.bytes, packed.places, packed.sum);
    } else {
        (bytes, places) = rendering.into_parts();
        sum = PlacesSum::default();
    }
    bytes.reserve_exact(4 * (places.len() + 5));
    for place in &places {
        let place = u32::try_from(*place).map_err(Problem::internal)?;
        bytes.extend_from_slice(&place.to_le_bytes());
    }
    let count = u32::try_from(places.len()).map_err(Problem::internal)?;
    let tail = [
        count,
        place_bytes,
        sum.unfilled,
        sum.factor,
        is_packed.into(),
    ];
    for number in tail {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Ok(bytes.into())
}

/// What the end of a form tells.
#[derive(Clone, Copy)]
pub(super) struct Tail {
    places: u64,
    place_bytes: u32,
    sum: PlacesSum,
    is_packed: bool,
    /// Where the places are listed: the size of the document.
    size: u64,
}

impl Tail {
    /// Reads the last bytes of a form of a size.
    pub(super) fn read(tail: &[u8], form_bytes: u64) -> Result<Self, Problem> {
        let numbers = numbers(tail);
        let &[places, place_bytes, unfilled, factor, is_packed] = &*numbers else {
            return Err(unreadable());
        };
        let places = u64::from(places);
        let size = form_bytes.checked_sub(TAIL_BYTES as u64 + NUMBER_BYTES * places);
        Ok(Self {
            places,
            place_bytes,
            sum: PlacesSum { unfilled, factor },
            is_packed: is_packed != 0,
            size: size.ok_or_else(unreadable)?,
        })
    }

    /// The bytes of a large form that are to be in memory.
    pub(super) fn head(&self) -> Range<u64> {
        0..HEAD_BYTES.min(self.size)
    }

    /// The last bytes of the document, and the list of its places.
    pub(super) fn list(&self) -> Range<u64> {
        let end = self.size.saturating_sub(END_BYTES as u64);
        end..self.size + NUMBER_BYTES * self.places
    }
}

/// What an address takes of memory, about, and what it fills places with.
const LATEST_BYTES: usize = 256;

/// A form that is ready to be sent.
pub(super) struct Form {
    tail: Tail,
    places: Arc<[u32]>,
    /// Its first bytes, and its last.
    head: Bytes,
    end: [u8; END_BYTES],
    /// What was put into it last, and for which address: nearly all clients use the same.
    latest: ArcSwapOption<(Box<str>, Overlay)>,
}

impl Form {
    /// A form of which these bytes were read: its head, and its list.
    pub(super) fn new(tail: Tail, head: Bytes, list: &[u8]) -> Self {
        let bytes = usize::try_from(NUMBER_BYTES * tail.places).unwrap_or(usize::MAX);
        let (end, places) = list.split_at(list.len().saturating_sub(bytes));
        Self {
            tail,
            places: numbers(places),
            head,
            end: end.first_chunk().copied().unwrap_or_default(),
            latest: ArcSwapOption::empty(),
        }
    }

    /// A form that is in memory.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Problem> {
        let start = bytes.len().checked_sub(TAIL_BYTES);
        let start = start.ok_or_else(unreadable)?;
        let tail = Tail::read(&bytes[start..], bytes.len() as u64)?;
        let from = usize::try_from(tail.list().start).map_err(Problem::internal)?;
        Ok(Self::new(tail, Bytes::new(), &bytes[from..start]))
    }

    /// The memory that it takes.
    pub(super) fn weight(&self) -> u32 {
        let latest = size_of::<Overlay>() + LATEST_BYTES;
        let bytes = size_of::<Self>() + size_of_val(&*self.places) + self.head.len() + latest;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// What is put into it for an address; `digest` is that of the form.
    pub(super) fn overlay(&self, digest: &Digest, origin: &str) -> Result<Overlay, Problem> {
        if let Some(latest) = &*self.latest.load()
            && *latest.0 == *origin
        {
            return Ok(latest.1.clone());
        }
        let overlay = self.make_overlay(digest, origin)?;
        let latest = (origin.into(), overlay.clone());
        self.latest.store(Some(Arc::new(latest)));
        Ok(overlay)
    }

    fn make_overlay(&self, digest: &Digest, origin: &str) -> Result<Overlay, Problem> {
        let place_bytes = usize::try_from(self.tail.place_bytes).map_err(Problem::internal)?;
        let filling = match filling(origin, place_bytes) {
            Some(filling) => filling,
            None if self.places.is_empty() => Vec::new(),
            None => return Err(Problem::internal("an address does not fit into a document")),
        };
        let end = self.tail.is_packed.then(|| {
            let mut end = self.end;
            let sum = self.tail.sum.filled(&filling).to_le_bytes();
            end[..sum.len()].copy_from_slice(&sum);
            let at = self.tail.size.saturating_sub(END_BYTES as u64);
            (at, Bytes::copy_from_slice(&end))
        });
        Ok(Overlay {
            size: self.tail.size,
            tag: Digest::of(Algorithm::Sha256, format!("{digest} {origin}").as_bytes()),
            places: Arc::clone(&self.places),
            filling: filling.into(),
            last: end,
            head: self.head.clone(),
        })
    }
}

fn numbers(bytes: &[u8]) -> Arc<[u32]> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().copied().map(u32::from_le_bytes).collect()
}

fn unreadable() -> Problem {
    Problem::internal("a kept form of a document cannot be read")
}

#[cfg(test)]
mod tests;
