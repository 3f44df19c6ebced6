//! How a rendered document is kept: its bytes, where in them the address of this server goes, and how
//! their checksum depends on it. So one form serves all addresses.
//!
//! ```text
//! bytes │ places: 4 bytes each │ how many, their bytes, checksum, its factor, packing: 4 bytes each
//! ```

use super::packing::{PlacesSum, pack, pack_quickly};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use larder_door::Overlay;
use larder_mirrors::Rendering;
use larder_mirrors::rendering::filling;
use larder_model::{Algorithm, Digest, Problem};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The bytes at a form's end that tell how it is kept.
pub(super) const TAIL_BYTES: usize = 20;
/// The bytes of a number.
const NUMBER_BYTES: u64 = 4;
/// The end of a gzip member: its checksum, and the length of what is packed.
const END_BYTES: usize = 8;
/// So many bytes of a large form stay in memory, for nearly all begin with their only place.
const HEAD_BYTES: u64 = 2048;

/// How a form is packed, as its number tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Packing {
    /// Not at all.
    None = 0,
    /// So well that it is kept for good.
    Well = 1,
    /// Quickly, until somebody asks again.
    Quick = 2,
}

impl TryFrom<u32> for Packing {
    type Error = Problem;

    fn try_from(number: u32) -> Result<Self, Problem> {
        let all = [Self::None, Self::Well, Self::Quick];
        let found = all.into_iter().find(|packing| *packing as u32 == number);
        found.ok_or_else(unreadable)
    }
}

/// Writes a form.
pub(super) fn write(rendering: Rendering, packing: Packing) -> Result<Bytes, Problem> {
    let place_bytes = u32::try_from(rendering.place_bytes()).map_err(Problem::internal)?;
    let (mut bytes, places, sum);
    let packed = match packing {
        Packing::None => None,
        Packing::Well => Some(pack(&rendering)?),
        Packing::Quick => Some(pack_quickly(&rendering)?),
    };
    if let Some(packed) = packed {
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
    let tail = [count, place_bytes, sum.unfilled, sum.factor, packing as u32];
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
    packing: Packing,
    /// Where the places are listed: the size of the document.
    size: u64,
}

impl Tail {
    /// Reads the last bytes of a form of a size.
    pub(super) fn read(tail: &[u8], form_bytes: u64) -> Result<Self, Problem> {
        let numbers = numbers(tail);
        let &[places, place_bytes, unfilled, factor, packing] = &*numbers else {
            return Err(unreadable());
        };
        let places = u64::from(places);
        let size = form_bytes.checked_sub(TAIL_BYTES as u64 + NUMBER_BYTES * places);
        Ok(Self {
            places,
            place_bytes,
            sum: PlacesSum { unfilled, factor },
            packing: packing.try_into()?,
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
    /// Whether it was asked to be packed well.
    is_asked: AtomicBool,
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
            is_asked: AtomicBool::new(false),
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

    /// Whether it is packed quickly, and nobody was told so before.
    pub(super) fn is_to_be_packed(&self) -> bool {
        !self.is_final() && !self.is_asked.swap(true, Ordering::Relaxed)
    }

    /// Whether it stays as it is: packed well, or not to be packed.
    pub(super) fn is_final(&self) -> bool {
        self.tail.packing != Packing::Quick
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
        let is_packed = self.tail.packing != Packing::None;
        let end = is_packed.then(|| {
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
