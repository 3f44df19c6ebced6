//! Walks through an index and hands out its items one after another, as far as they tell where
//! something is and what vouches for it. No document types, no entities but XML's own five.

use super::unpack::Fence;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::error::Error;
use std::io::BufRead;

const MAX_DEPTH: usize = 32;
const MAX_ATTRIBUTES: usize = 64;
/// Of one location, checksum or size.
const MAX_FIELD_BYTES: usize = 8 << 10;

/// Why a document cannot be read; for the log.
pub(super) type Fault = Box<dyn Error + Send + Sync>;

/// Which elements of a document are its items.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    root: &'static [u8],
    item: &'static [u8],
    depth: usize,
}

/// `repomd.xml`: files of metadata.
pub(super) const RECORDS: &[Shape] = &[Shape {
    root: b"repomd",
    item: b"data",
    depth: 2,
}];
/// Lists of packages: `primary` and, with a level of the new package between, `prestodelta`.
pub(super) const PACKAGES: &[Shape] = &[
    Shape {
        root: b"metadata",
        item: b"package",
        depth: 2,
    },
    Shape {
        root: b"prestodelta",
        item: b"delta",
        depth: 3,
    },
];

/// An item as it is written.
#[derive(Default)]
pub(super) struct Raw {
    /// Its `type`.
    pub(super) kind: String,
    pub(super) href: Option<String>,
    pub(super) base: Option<String>,
    /// Its algorithm and its digits.
    pub(super) checksum: Option<(String, String)>,
    pub(super) size: Option<String>,
}

/// What the text of an element is.
#[derive(Clone, Copy)]
enum Field {
    Href,
    Checksum,
    Size,
}

impl Raw {
    /// A child of the item begins; if its text matters, as what.
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<Option<Field>, Fault> {
        match tag.name().as_ref() {
            b"location" if self.href.is_none() => {
                self.href = attribute(tag, b"href")?;
                self.base = attribute(tag, b"xml:base")?;
            }
            b"filename" if self.href.is_none() => {
                self.base = attribute(tag, b"xml:base")?;
                return Ok(Some(Field::Href));
            }
            b"checksum" => {
                let identity = attribute(tag, b"pkgid")?.is_some_and(|value| value == "YES");
                if identity || self.checksum.is_none() {
                    self.checksum =
                        Some((attribute(tag, b"type")?.unwrap_or_default(), String::new()));
                    return Ok(Some(Field::Checksum));
                }
            }
            b"size" if self.size.is_none() => {
                self.size = attribute(tag, b"package")?;
                return Ok(self.size.is_none().then_some(Field::Size));
            }
            _ => {}
        }
        Ok(None)
    }

    fn set(&mut self, field: Field, text: &str) {
        match field {
            Field::Href => self.href = Some(text.into()),
            Field::Size => self.size = Some(text.into()),
            Field::Checksum => {
                if let Some((_, digits)) = &mut self.checksum {
                    text.clone_into(digits);
                }
            }
        }
    }
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Result<Option<String>, Fault> {
    let mut attributes = tag.attributes();
    // Their check for doubles compares each with each; the first one counts.
    for (at, attribute) in attributes.with_checks(false).enumerate() {
        let attribute = attribute?;
        if at == MAX_ATTRIBUTES {
            return Err("a tag has too many attributes".into());
        }
        if attribute.key.as_ref() == name {
            return Ok(Some(
                attribute
                    .normalized_value(XmlVersion::Implicit1_0)?
                    .into_owned(),
            ));
        }
    }
    Ok(None)
}

/// What a reference stands for.
pub(super) fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(char) = reference.resolve_char_ref()? {
        return Ok(char.to_string());
    }
    let name = reference.decode()?;
    Ok(quick_xml::escape::resolve_xml_entity(&name)
        .ok_or("an entity of its own")?
        .to_owned())
}

/// How far the walk is.
struct Walk {
    shapes: &'static [Shape],
    /// Known from the root on.
    shape: Option<Shape>,
    depth: usize,
    raw: Option<Raw>,
    field: Option<Field>,
    text: String,
}

impl Walk {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("elements within elements go too deep".into());
        }
        let name = tag.name();
        let Some(shape) = self.shape else {
            let shape = self
                .shapes
                .iter()
                .find(|shape| shape.root == name.as_ref())
                .ok_or("another root element")?;
            self.shape = Some(*shape);
            return Ok(());
        };
        if self.depth == 1 {
            return Err("a second root element".into());
        }
        if self.depth == shape.depth && name.as_ref() == shape.item {
            self.raw = Some(Raw {
                kind: attribute(tag, b"type")?.unwrap_or_default(),
                ..Raw::default()
            });
        } else if self.depth == shape.depth + 1
            && let Some(raw) = &mut self.raw
        {
            self.field = raw.open(tag)?;
            self.text.clear();
        }
        Ok(())
    }

    /// An element ends, and with it perhaps an item.
    fn close(&mut self) -> Option<Raw> {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        let item_depth = self.shape?.depth;
        if depth == item_depth {
            return self.raw.take();
        }
        if depth == item_depth + 1
            && let (Some(raw), Some(field)) = (&mut self.raw, self.field.take())
        {
            raw.set(field, self.text.trim());
        }
        None
    }

    /// Whether text matters where the walk is.
    fn listens(&self) -> bool {
        self.depth == 0 || self.field.is_some()
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.depth == 0 {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err("text outside of the root element".into())
            };
        }
        if self.text.len() + text.len() > MAX_FIELD_BYTES {
            return Err("a location, checksum or size is too long".into());
        }
        self.text.push_str(text);
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        self.text(&resolve(reference)?)
    }

    fn is_over(&self) -> bool {
        self.depth == 0 && self.shape.is_some()
    }
}

/// A document that is being walked through.
pub(super) struct Scan<'a> {
    reader: Reader<Fence<'a>>,
    buffer: Vec<u8>,
    walk: Walk,
}

impl<'a> Scan<'a> {
    /// Of a document that begins as one of `shapes` does and is no longer than `max_bytes`.
    pub(super) fn new(
        document: Box<dyn BufRead + 'a>,
        shapes: &'static [Shape],
        max_bytes: u64,
    ) -> Self {
        let mut reader = Reader::from_reader(Fence::new(document, max_bytes));
        reader.config_mut().expand_empty_elements = true;
        let walk = Walk {
            shapes,
            shape: None,
            depth: 0,
            raw: None,
            field: None,
            text: String::new(),
        };
        Self {
            reader,
            buffer: Vec::new(),
            walk,
        }
    }

    /// The next item; `None` at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Raw>, Fault> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().next_piece();
            let walk = &mut self.walk;
            match self.reader.read_event_into(&mut self.buffer)? {
                Event::Start(tag) => walk.open(&tag)?,
                Event::End(_) => {
                    if let Some(raw) = walk.close() {
                        return Ok(Some(raw));
                    }
                }
                Event::Text(text) if walk.listens() => walk.text(&text.decode()?)?,
                Event::CData(text) if walk.listens() => walk.text(&text.decode()?)?,
                Event::GeneralRef(reference) if walk.listens() => walk.reference(&reference)?,
                Event::DocType(_) => return Err("a document type".into()),
                Event::Eof if walk.is_over() => return Ok(None),
                Event::Eof => return Err("the document is cut short".into()),
                _ => {}
            }
        }
    }
}
