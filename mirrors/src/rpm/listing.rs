//! Lists of packages, reduced to what a fetch needs.

use super::item::{Item, Unfit};
use super::paths::locations;
use super::scan::{PACKAGES, Scan};
use crate::text::bad_document;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use crate::xml::Fault;
use crate::{Fetch, Integrity, Table};
use larder_model::{Algorithm, Problem, hex};

/// Limit on the packages of a list. The largest distributions have a tenth of it.
pub(super) const MAX_PACKAGES: usize = 1_000_000;

/// Reads the packages of a list one after another.
struct Packages<'a>(Scan<'a>);

impl<'a> Packages<'a> {
    fn new(packed: &'a [u8], max_bytes: u64) -> Result<Self, Problem> {
        let list = unpack(packed).map_err(|error| unreadable(error.into()))?;
        Ok(Self(Scan::new(list, PACKAGES, max_bytes)))
    }

    /// The next package. Skips those that cannot be requested here.
    fn next(&mut self) -> Result<Option<Item>, Problem> {
        while let Some(raw) = self.0.next().map_err(unreadable)? {
            match Item::read(&raw, "") {
                Ok(item) => return Ok(Some(item)),
                Err(Unfit::Place) => {}
                Err(Unfit::Integrity) => {
                    return Err(bad_document("a list of packages with checksums and sizes"));
                }
            }
        }
        Ok(None)
    }
}

fn unreadable(fault: Fault) -> Problem {
    bad_document("a list of packages that can be read").because(fault)
}

/// All packages of a list by their path, with their hashes. Each takes some hundred bytes.
pub struct Listing {
    /// For each package its path, its URL unless the path is its URL, its edition unless the file's name
    /// tells it, and its checksum.
    bytes: Box<[u8]>,
    /// Sorted by path.
    spots: Box<[Spot]>,
}

/// The place of a package in the text.
struct Spot {
    size: u64,
    at: u32,
    path: u16,
    url: u16,
    edition: u16,
    sum: Sum,
}

#[derive(Clone, Copy)]
enum Sum {
    Nothing,
    Sha1,
    Digest(Algorithm),
}

impl Sum {
    fn length(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Sha1 => 20,
            Self::Digest(algorithm) => algorithm.size(),
        }
    }
}

/// The value of an unknown size.
const NO_SIZE: u64 = u64::MAX;

impl Listing {
    /// Reads a list of packages, compressed in any format in use, or plain.
    pub fn read(packed: &[u8]) -> Result<Self, Problem> {
        Self::read_within(packed, MAX_UNPACKED_BYTES)
    }

    pub(super) fn read_within(packed: &[u8], max_bytes: u64) -> Result<Self, Problem> {
        let mut packages = Packages::new(packed, max_bytes)?;
        let (mut bytes, mut spots) = (Vec::new(), Vec::new());
        while let Some(item) = packages.next()? {
            let spot = keep(&mut bytes, &item).filter(|_| spots.len() < MAX_PACKAGES);
            spots.push(spot.ok_or_else(|| bad_document("a list of at most a million packages"))?);
        }
        // The sort is stable: of two packages at one path the first is used, as in clients.
        spots.sort_by(|one, other| one.path(&bytes).cmp(other.path(&bytes)));
        Ok(Self {
            bytes: bytes.into(),
            spots: spots.into(),
        })
    }
}

impl Listing {
    fn spot(&self, location: &str) -> Option<&Spot> {
        let location = location.as_bytes();
        let before = |spot: &Spot| spot.path(&self.bytes) < location;
        let spot = self.spots.get(self.spots.partition_point(before));
        spot.filter(|spot| spot.path(&self.bytes) == location)
    }
}

impl Table for Listing {
    fn find(&self, root: &str, path: &str) -> Option<Fetch> {
        let spot = locations(root, path).find_map(|location| self.spot(&location))?;
        Some(spot.item(&self.bytes)?.fetch(root))
    }

    fn named(&self, file: &str) -> Vec<String> {
        let is_named = |path: &&[u8]| {
            let folder = path.strip_suffix(file.as_bytes());
            folder.is_some_and(|folder| folder.is_empty() || folder.ends_with(b"/"))
        };
        let paths = self.spots.iter().map(|spot| spot.path(&self.bytes));
        let named = paths.filter(is_named);
        named
            .filter_map(|path| str::from_utf8(path).ok().map(str::to_owned))
            .collect()
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + size_of_val(&*self.spots)
    }
}

/// Appends an item; `None` if it is too long.
fn keep(bytes: &mut Vec<u8>, item: &Item) -> Option<Spot> {
    let url = if item.url == crate::text::path(&item.path) {
        ""
    } else {
        &item.url
    };
    let edition = item.edition.as_deref().unwrap_or_default();
    let (sum, digits) = match &item.integrity {
        Integrity::Contents(_) | Integrity::None => (Sum::Nothing, &[][..]),
        Integrity::Sha1(digits) => (Sum::Sha1, &digits[..]),
        Integrity::Digest(digest) => (Sum::Digest(digest.algorithm()), digest.bytes()),
    };
    let spot = Spot {
        size: item.size.unwrap_or(NO_SIZE),
        at: bytes.len().try_into().ok()?,
        path: item.path.len().try_into().ok()?,
        url: url.len().try_into().ok()?,
        edition: edition.len().try_into().ok()?,
        sum,
    };
    bytes.extend_from_slice(item.path.as_bytes());
    bytes.extend_from_slice(url.as_bytes());
    bytes.extend_from_slice(edition.as_bytes());
    bytes.extend_from_slice(digits);
    Some(spot)
}

impl Spot {
    /// `length` bytes from `skip` bytes after its begin.
    fn part<'a>(&self, bytes: &'a [u8], skip: usize, length: usize) -> &'a [u8] {
        let begin = usize::try_from(self.at)
            .unwrap_or(usize::MAX)
            .saturating_add(skip);
        bytes
            .get(begin..begin.saturating_add(length))
            .unwrap_or_default()
    }

    fn path<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.part(bytes, 0, self.path.into())
    }

    fn item(&self, bytes: &[u8]) -> Option<Item> {
        let path = str::from_utf8(self.path(bytes)).ok()?;
        let (path_length, url_length) = (usize::from(self.path), usize::from(self.url));
        let url = str::from_utf8(self.part(bytes, path_length, url_length)).ok()?;
        let edition_length = usize::from(self.edition);
        let edition = self.part(bytes, path_length + url_length, edition_length);
        let edition = str::from_utf8(edition).ok()?;
        let before = path_length + url_length + edition_length;
        let digits = self.part(bytes, before, self.sum.length());
        let integrity = match self.sum {
            Sum::Nothing => Integrity::None,
            Sum::Sha1 => Integrity::Sha1(digits.try_into().ok()?),
            Sum::Digest(algorithm) => Integrity::Digest(
                format!("{}:{}", algorithm.name(), hex::encode(digits))
                    .parse()
                    .ok()?,
            ),
        };
        let url = if url.is_empty() {
            crate::text::path(path)
        } else {
            url.into()
        };
        Some(Item {
            path: path.into(),
            url,
            integrity,
            size: Some(self.size).filter(|size| *size != NO_SIZE),
            edition: (!edition.is_empty()).then(|| edition.to_owned()),
        })
    }
}
