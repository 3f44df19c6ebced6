//! A rendered document, in which places are left for the address of this server.
//!
//! Clients see this server under any address that they choose, so a document is rendered once for
//! all of them. A place stands where a JSON string begins with the address: it takes spaces, the
//! quote and the address. All addresses fill it up, so they change neither the length of a document
//! nor where anything in it is.

/// The bytes of a place, the smaller first: nearly all addresses fit into it, and all into the other.
pub const PLACE_BYTES: [usize; 2] = [64, 272];
/// What stands in a place of so many bytes, the longest at most, until it is filled. No text has any of
/// these bytes, and no three of them stand side by side twice.
pub fn unfilled(bytes: usize) -> &'static [u8] {
    UNFILLED.get(..bytes).unwrap_or(&UNFILLED)
}

/// Whether a byte can be one of a place that is not filled: JSON (RFC 8259) in UTF-8 has none of them.
pub const fn is_unfilled(byte: u8) -> bool {
    matches!(byte, 0x02..=0x08 | 0x0b | 0x0c | 0x0e..=0x1f | 0xc0 | 0xc1 | 0xf5..=0xff)
}

static UNFILLED: [u8; PLACE_BYTES[1]] = pattern();

const fn pattern() -> [u8; PLACE_BYTES[1]] {
    let (mut pattern, mut at, mut state) = ([0; PLACE_BYTES[1]], 0, 1_u32);
    while at < pattern.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let byte = state.to_be_bytes()[0];
        if is_unfilled(byte) {
            pattern[at] = byte;
            at += 1;
        }
    }
    pattern
}

/// The number of bytes of the places into which an address fits; `None` if it is too long for any.
pub fn place_bytes(origin: &str) -> Option<usize> {
    let fits = |bytes: &usize| origin.len() < *bytes;
    PLACE_BYTES.into_iter().find(fits)
}

/// Whether there is a [`filling`].
pub fn fills(origin: &str, bytes: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    origin.len() < bytes && origin.bytes().all(plain)
}

/// The beginning of a JSON string with this address, which fills a place of so many bytes; `None` if it
/// does not fit, or would need to be escaped.
pub fn filling(origin: &str, bytes: usize) -> Option<Vec<u8>> {
    if !fills(origin, bytes) {
        return None;
    }
    let spaces = bytes.checked_sub(origin.len() + 1)?;
    let mut filling = vec![b' '; spaces];
    filling.push(b'"');
    filling.extend_from_slice(origin.as_bytes());
    Some(filling)
}

/// A rendered document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendering {
    bytes: Vec<u8>,
    places: Vec<usize>,
    place_bytes: usize,
}

impl Rendering {
    /// Begins a document of about so many bytes, whose places have `place_bytes`.
    pub fn new(place_bytes: usize, capacity: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(capacity),
            places: Vec::new(),
            place_bytes,
        }
    }

    /// Appends text.
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends a JSON string: this server's address, and `rest` after it.
    pub fn push_url(&mut self, rest: &str) {
        self.places.push(self.bytes.len());
        self.bytes.extend_from_slice(unfilled(self.place_bytes));
        let quoted = crate::json::quoted(rest);
        self.push_str(quoted.strip_prefix('"').unwrap_or(&quoted));
    }

    /// The document with its places unfilled.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where its places begin, in order.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// The bytes of each place.
    pub const fn place_bytes(&self) -> usize {
        self.place_bytes
    }

    /// The document with its places unfilled, and where these begin.
    pub fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.bytes, self.places)
    }

    /// The document with a filling in each place.
    pub fn filled(mut self, filling: &[u8]) -> Vec<u8> {
        for place in &self.places {
            if let Some(place) = self.bytes.get_mut(*place..*place + filling.len()) {
                place.copy_from_slice(filling);
            }
        }
        self.bytes
    }
}

/// A document without a URL of this server.
impl From<Vec<u8>> for Rendering {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            places: Vec::new(),
            place_bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests;
