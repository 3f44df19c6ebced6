//! Gzip (RFC 1952) around the places of a rendered document: what fills them is put into the packed
//! bytes, and is not packed.
//!
//! ```text
//! plain    text      [place]  text [place] text            [place]  text
//! packed   deflate   stored   deflate, which copies the    stored   deflate   checksum
//!                    block    place before                 block
//! ```
//!
//! A place that is within the window of the one before is a copy of it, whatever that is filled with, for
//! all places of a document are as long: so most documents have one that is stored. Whether every place
//! is stored or copied as a whole is proved by unpacking what came out; else all of them are stored. The
//! checksum is linear in what fills the places, so it costs as much for one as for thousands.
//!
//! A large document is packed in segments by as many threads as there are processors. Each begins with
//! the window of what stands before it, so it refers to that as if one thread had packed all.

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use larder_mirrors::Rendering;
use larder_mirrors::rendering::{is_unfilled, unfilled};
use larder_model::Problem;
use std::cell::Cell;
use std::io::Read;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The head of a gzip member without a name and a time.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The bytes of its end: the checksum and the length.
const END_BYTES: usize = 8;
/// How far deflate refers back (RFC 1951 2).
const WINDOW: usize = 32 * 1024;
/// A place that is further from the one before is stored: the window has little more.
const NEAR: usize = 31 * 1024;
/// What one thread packs at once: what it takes to begin is little beside that.
const SEGMENT: usize = 256 * 1024;
/// So many bytes are looked at before it is asked whether one of them is wrong.
const PIECE: usize = 1024;
/// From this level on deflate knows of every place that it has seen, so it copies where it can.
const LEVEL: Compression = Compression::new(7);
/// A document that is within the window as a whole needs less: two thirds of the time, and a twentieth
/// larger.
const SMALL_LEVEL: Compression = Compression::new(3);
/// For whom there is no time: five times as fast, and about twice as large.
const QUICK: Compression = Compression::new(1);
/// The polynomial of CRC-32, as gzip has it.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// A packed document.
#[derive(Debug)]
pub(super) struct Packed {
    /// All of it, with the checksum of the unfilled document.
    pub(super) bytes: Vec<u8>,
    /// Where its stored places begin.
    pub(super) places: Vec<usize>,
    /// How its checksum depends on what fills the places.
    pub(super) sum: PlacesSum,
}

/// What the fillings of a document's places add to its checksum.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct PlacesSum {
    /// The checksum of the unfilled document.
    pub(super) unfilled: u32,
    /// The sum over all places of the factor by which what follows it multiplies.
    pub(super) factor: u32,
}

impl PlacesSum {
    /// The checksum of the document whose places have this filling.
    pub(super) fn filled(self, filling: &[u8]) -> u32 {
        let difference = crc(filling) ^ crc(unfilled(filling.len()));
        self.unfilled ^ product(self.factor, difference)
    }
}

/// A document's bytes, and where in them its places begin.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    places: &'a [usize],
    place_bytes: usize,
}

impl<'a> From<&'a Rendering> for Text<'a> {
    fn from(rendering: &'a Rendering) -> Self {
        Self {
            bytes: rendering.bytes(),
            places: rendering.places(),
            place_bytes: rendering.place_bytes(),
        }
    }
}

/// Packs a document.
pub(super) fn pack(rendering: &Rendering) -> Result<Packed, Problem> {
    let text: Text<'_> = rendering.into();
    let level = if text.bytes.len() > NEAR {
        LEVEL
    } else {
        SMALL_LEVEL
    };
    let packed = pack_with(text, NEAR, level)?;
    if is_whole(&packed, text)? {
        return Ok(packed);
    }
    pack_with(text, 0, level)
}

/// Packs a document as fast as can be. All of its places are stored: at this level few are copied as a
/// whole, and to prove it takes longer.
pub(super) fn pack_quickly(rendering: &Rendering) -> Result<Packed, Problem> {
    pack_with(rendering.into(), 0, QUICK)
}

/// Packs a document, and stores each place that is further than `near` from the one before.
fn pack_with(document: Text<'_>, near: usize, level: Compression) -> Result<Packed, Problem> {
    let text = document.bytes;
    let (mut read, mut before, mut stored) = (0, None::<usize>, Vec::new());
    for place in document.places.iter().copied() {
        require_plain(text.get(read..place))?;
        read = place + document.place_bytes;
        if before.is_none_or(|before| place - before > near) {
            stored.push(place..read);
        } // else it is packed with the text around it
        before = Some(place);
    }
    require_plain(text.get(read..))?;
    let sum = PlacesSum {
        unfilled: crc(text),
        factor: factor(document),
    };
    let segments = segments(document);
    let packed = in_parallel(segments.len(), |at| {
        pack_segment(text, segments[at].clone(), &stored, level)
    });
    let mut bytes = Vec::with_capacity(text.len() / 4);
    bytes.extend_from_slice(&HEAD);
    let mut places = Vec::with_capacity(stored.len());
    for segment in packed {
        let (packed, own) = segment?;
        places.extend(own.into_iter().map(|place| bytes.len() + place));
        bytes.extend_from_slice(&packed);
    }
    bytes.extend_from_slice(&sum.unfilled.to_le_bytes());
    let length = u32::try_from(text.len()).map_err(Problem::internal)?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(Packed { bytes, places, sum })
}

/// The parts of a document that are packed by themselves; none begins within a place.
fn segments(document: Text<'_>) -> Vec<Range<usize>> {
    let (length, places) = (document.bytes.len(), document.places);
    let (mut segments, mut start) = (Vec::new(), 0);
    while length - start > SEGMENT {
        let mut end = start + SEGMENT;
        let before = places[..places.partition_point(|place| *place < end)].last();
        if let Some(place) = before {
            end = end.max(place + document.place_bytes);
        }
        segments.push(start..end);
        start = end;
    }
    segments.push(start..length);
    segments
}

/// How many threads pack at once. The system is asked one time: it answers out of a dozen files.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// What `work` makes of each number below `count`, in order, by as many threads as there are processors.
fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = if count < 2 { 1 } else { *PROCESSORS };
    if threads < 2 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut made = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return made;
            }
            made.push((at, work(at)));
        }
    };
    let mut made = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(take)).collect();
        let mut made = take();
        for other in others {
            match other.join() {
                Ok(others) => made.extend(others),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    });
    made.sort_unstable_by_key(|(at, _)| *at);
    made.into_iter().map(|(_, made)| made).collect()
}

/// Packs one segment; tells where in it the stored places begin.
fn pack_segment(
    text: &[u8],
    segment: Range<usize>,
    stored: &[Range<usize>],
    level: Compression,
) -> Result<(Vec<u8>, Vec<usize>), Problem> {
    let window = &text[segment.start.saturating_sub(WINDOW)..segment.start];
    let mut packer = Packer::new(level, window, segment.len() / 4)?;
    let first = stored.partition_point(|place| place.start < segment.start);
    let own = stored[first..].iter();
    let (mut places, mut done) = (Vec::new(), segment.start);
    for place in own.take_while(|place| place.start < segment.end) {
        packer.text(&text[done..place.start])?;
        places.push(packer.store(&text[place.clone()])?);
        done = place.end;
    }
    let rest = &text[done..segment.end];
    if segment.end == text.len() {
        packer.end(rest)?;
    } else {
        packer.text(rest)?;
    }
    let Packer { deflate, out, .. } = packer;
    if level == SMALL_LEVEL {
        SPARE.set(Some(deflate));
    }
    Ok((out, places))
}

/// Fails if text between places could be taken for one. A piece is looked at as a whole, so that the
/// processor looks at many bytes at once.
fn require_plain(text: Option<&[u8]>) -> Result<(), Problem> {
    let has_unfilled = |piece: &[u8]| {
        piece
            .iter()
            .fold(false, |found, byte| found | is_unfilled(*byte))
    };
    match text {
        Some(text) if !text.chunks(PIECE).any(has_unfilled) => Ok(()),
        _ => Err(Problem::internal(
            "a rendered document has a byte that no text has",
        )),
    }
}

/// Whether each byte of each place comes from the same byte of a stored place. It is filled so that no
/// two bytes of a place are alike, and none is as it was when the document was packed: in one way, where
/// there are bytes enough, else in two.
fn is_whole(packed: &Packed, document: Text<'_>) -> Result<bool, Problem> {
    let place_bytes = document.place_bytes;
    if packed.places.len() == document.places.len() {
        return Ok(true); // all are stored
    }
    let others: Vec<u8> = (0..=u8::MAX).filter(|byte| !is_unfilled(*byte)).collect();
    let ways = if place_bytes <= others.len() { 1 } else { 2 };
    let way = |way: usize| {
        let digit = |at: usize| [at % others.len(), at / others.len()][way];
        let filling: Vec<u8> = (0..place_bytes).map(|at| others[digit(at)]).collect();
        let mut bytes = packed.bytes.clone();
        for place in packed.places.iter().copied() {
            bytes[place..place + place_bytes].copy_from_slice(&filling);
        }
        let deflated = &bytes[HEAD.len()..bytes.len() - END_BYTES];
        is_deflated(deflated, document, &filling)
    };
    for whole in in_parallel(ways, way) {
        if !whole? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether bytes unpack to a document with this filling.
fn is_deflated(bytes: &[u8], document: Text<'_>, filling: &[u8]) -> Result<bool, Problem> {
    let mut unpacked = DeflateDecoder::new(bytes);
    let mut piece = vec![0; document.bytes.len().clamp(1, 64 * 1024)];
    let (mut expected, mut at) = (Vec::new(), 0);
    loop {
        let length = unpacked.read(&mut piece).map_err(Problem::internal)?;
        if length == 0 {
            return Ok(at == document.bytes.len());
        }
        let Some(text) = document.bytes.get(at..at + length) else {
            return Ok(false);
        };
        expected.clear();
        expected.extend_from_slice(text);
        fill(&mut expected, at, document, filling);
        if expected != piece[..length] {
            return Ok(false);
        }
        at += length;
    }
}

/// Puts a filling into the places of a piece of a document, which begins at `start`.
fn fill(piece: &mut [u8], start: usize, document: Text<'_>, filling: &[u8]) {
    let end = start + piece.len();
    let ends_before = |place: &usize| place + filling.len() <= start;
    let first = document.places.partition_point(ends_before);
    let places = document.places[first..].iter().copied();
    for place in places.take_while(|place| *place < end) {
        let (from, to) = (place.max(start), end.min(place + filling.len()));
        piece[from - start..to - start].copy_from_slice(&filling[from - place..to - place]);
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The sum of `x^(8 n)` over all places, where `n` bytes follow a place. It is taken from one place to the
/// next (Horner's rule): what lies between two of them is little, and so are its factors.
fn factor(document: Text<'_>) -> u32 {
    let (mut sum, mut last) = (0, 0);
    for place in document.places {
        let end = place + document.place_bytes;
        sum = after(sum, end - last) ^ ONE;
        last = end;
    }
    after(sum, document.bytes.len() - last)
}

/// A sum times `x^(8 n)` modulo the polynomial, where `n` bytes follow.
fn after(sum: u32, bytes: usize) -> u32 {
    let bits = (0..POWERS.len()).filter(|bit| bytes >> bit & 1 == 1);
    bits.fold(sum, |sum, bit| product(sum, POWERS[bit]))
}

/// The polynomial 1: the highest bit is the lowest power.
const ONE: u32 = 1 << 31;

/// `x^(8 n)` where `n` is 1, 2, 4 and so on.
static POWERS: [u32; usize::BITS as usize] = powers();

const fn powers() -> [u32; usize::BITS as usize] {
    let (mut powers, mut at) = ([1 << 23; usize::BITS as usize], 1);
    while at < powers.len() {
        powers[at] = product(powers[at - 1], powers[at - 1]);
        at += 1;
    }
    powers
}

/// The product of two polynomials modulo that of CRC-32.
const fn product(one: u32, other: u32) -> u32 {
    let (mut product, mut shifted, mut left) = (0, other, one);
    while left != 0 {
        // The highest bit of what is left, and the lowest of what is shifted out, as masks: which they
        // are cannot be foretold.
        product ^= shifted & (left >> 31).wrapping_neg();
        shifted = (shifted >> 1) ^ (POLYNOMIAL & (shifted & 1).wrapping_neg());
        left <<= 1;
    }
    product
}

/// A segment of a gzip member that is being written.
struct Packer {
    deflate: Compress,
    out: Vec<u8>,
    /// What stored places were packed to.
    unused: Vec<u8>,
}

impl Packer {
    /// Packs what follows on `window`.
    fn new(level: Compression, window: &[u8], capacity: usize) -> Result<Self, Problem> {
        let is_small = level == SMALL_LEVEL;
        let mut deflate = if is_small {
            small_deflater()
        } else {
            Compress::new(level, false)
        };
        if !window.is_empty() {
            deflate.set_dictionary(window).map_err(Problem::internal)?;
        }
        Ok(Self {
            deflate,
            out: Vec::with_capacity(capacity),
            unused: Vec::new(),
        })
    }

    /// Packs text up to the beginning of a byte.
    fn text(&mut self, text: &[u8]) -> Result<(), Problem> {
        if text.is_empty() {
            return Ok(());
        }
        deflate(&mut self.deflate, text, &mut self.out, FlushCompress::Sync)
    }

    /// Writes a place as it is (RFC 1951 3.2.4), while the window moves on by it; returns where it
    /// begins.
    fn store(&mut self, place: &[u8]) -> Result<usize, Problem> {
        self.unused.clear();
        let (deflater, unused) = (&mut self.deflate, &mut self.unused);
        deflate(deflater, place, unused, FlushCompress::Sync)?;
        let length = u16::try_from(place.len()).map_err(Problem::internal)?;
        self.out.push(0);
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(&(!length).to_le_bytes());
        let at = self.out.len();
        self.out.extend_from_slice(place);
        Ok(at)
    }

    /// Packs the last of all text.
    fn end(&mut self, rest: &[u8]) -> Result<(), Problem> {
        deflate(
            &mut self.deflate,
            rest,
            &mut self.out,
            FlushCompress::Finish,
        )
    }
}

thread_local! {
    /// What packed the last small document of this thread, for the next: it has a quarter of a megabyte,
    /// and to have that made and cleared takes as long as to pack a few kilobytes.
    static SPARE: Cell<Option<Compress>> = const { Cell::new(None) };
}

/// What packs a small document.
fn small_deflater() -> Compress {
    match SPARE.take() {
        Some(mut spare) => {
            spare.reset();
            spare
        }
        None => Compress::new(SMALL_LEVEL, false),
    }
}

fn deflate(
    deflate: &mut Compress,
    text: &[u8],
    out: &mut Vec<u8>,
    flush: FlushCompress,
) -> Result<(), Problem> {
    let start = deflate.total_in();
    loop {
        out.reserve(text.len() / 8 + 64);
        let done = usize::try_from(deflate.total_in() - start).map_err(Problem::internal)?;
        let (rest, room) = (text.get(done..).unwrap_or_default(), out.capacity());
        let status = deflate
            .compress_vec(rest, out, flush)
            .map_err(Problem::internal)?;
        let is_flushed = out.len() < room && deflate.total_in() - start == text.len() as u64;
        let is_ended = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => is_flushed,
        };
        if is_ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
