//! Reads the items of an index one after another: location, checksum, size and edition.

use crate::xml::{Fault, Walker, attribute, text_of};
use quick_xml::events::{BytesStart, Event};
use std::io::BufRead;

/// Limit on the length of a location, checksum or size.
const MAX_FIELD_BYTES: usize = 8 << 10;

/// The elements of a document that are its items.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    root: &'static [u8],
    item: &'static [u8],
    /// The number of elements around an item.
    depth: usize,
}

/// `repomd.xml`: files of metadata.
pub(super) const RECORDS: &[Shape] = &[Shape {
    root: b"repomd",
    item: b"data",
    depth: 1,
}];
/// Lists of packages: `primary` and, with a level of the new package between, `prestodelta`.
pub(super) const PACKAGES: &[Shape] = &[
    Shape {
        root: b"metadata",
        item: b"package",
        depth: 1,
    },
    Shape {
        root: b"prestodelta",
        item: b"delta",
        depth: 2,
    },
];

/// An item, not checked.
#[derive(Default)]
pub(super) struct Raw {
    /// Its `type`.
    pub(super) kind: String,
    pub(super) href: Option<String>,
    pub(super) base: Option<String>,
    /// Its algorithm and its digits.
    pub(super) checksum: Option<(String, String)>,
    pub(super) size: Option<String>,
    /// Epoch, version and release.
    pub(super) edition: Option<[String; 3]>,
    pub(super) arch: Option<String>,
}

/// The field that an element's text is.
#[derive(Clone, Copy)]
enum Field {
    Href,
    Checksum,
    Size,
    Arch,
}

impl Raw {
    /// Handles the start of a child of the item. Returns the field that its text is, if it is one.
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
            b"arch" if self.arch.is_none() => return Ok(Some(Field::Arch)),
            b"version" if self.edition.is_none() => {
                let part = |name| attribute(tag, name).map(Option::unwrap_or_default);
                self.edition = Some([part(b"epoch")?, part(b"ver")?, part(b"rel")?]);
            }
            _ => {}
        }
        Ok(None)
    }

    fn set(&mut self, field: Field, text: &str) {
        match field {
            Field::Href => self.href = Some(text.into()),
            Field::Size => self.size = Some(text.into()),
            Field::Arch => self.arch = Some(text.into()),
            Field::Checksum => {
                if let Some((_, digits)) = &mut self.checksum {
                    text.clone_into(digits);
                }
            }
        }
    }
}

/// Reads an index.
pub(super) struct Scan<'a> {
    walker: Walker<'a>,
    shapes: &'static [Shape],
    state: State,
}

#[derive(Default)]
struct State {
    /// Known from the root element on.
    shape: Option<Shape>,
    raw: Option<Raw>,
    /// The field that the current element's text is.
    field: Option<Field>,
    text: String,
}

impl<'a> Scan<'a> {
    /// Reads a document of one of `shapes` that has at most `max_bytes` bytes.
    pub(super) fn new(
        document: Box<dyn BufRead + 'a>,
        shapes: &'static [Shape],
        max_bytes: u64,
    ) -> Self {
        Self {
            walker: Walker::new(document, max_bytes).expanding_empty_elements(),
            shapes,
            state: State::default(),
        }
    }

    /// The next item; `None` at the end of the document.
    pub(super) fn next(&mut self) -> Result<Option<Raw>, Fault> {
        while let Some(step) = self.walker.next()? {
            match &step.event {
                Event::Start(tag) => self.state.open(tag, step.depth, self.shapes)?,
                Event::End(_) => {
                    if let Some(raw) = self.state.close(step.depth) {
                        return Ok(Some(raw));
                    }
                }
                event if self.state.field.is_some() => self.state.text(event)?,
                _ => {}
            }
        }
        Ok(None)
    }
}

impl State {
    fn open(
        &mut self,
        tag: &BytesStart<'_>,
        depth: usize,
        shapes: &'static [Shape],
    ) -> Result<(), Fault> {
        let name = tag.name();
        let Some(shape) = self.shape else {
            let known = shapes.iter().find(|shape| shape.root == name.as_ref());
            self.shape = Some(*known.ok_or("it has another root element")?);
            return Ok(());
        };
        if depth == shape.depth && name.as_ref() == shape.item {
            self.raw = Some(Raw {
                kind: attribute(tag, b"type")?.unwrap_or_default(),
                ..Raw::default()
            });
        } else if depth == shape.depth + 1
            && let Some(raw) = &mut self.raw
        {
            self.field = raw.open(tag)?;
            self.text.clear();
        }
        Ok(())
    }

    /// Handles the end of an element. Returns an item if it ends, too.
    fn close(&mut self, depth: usize) -> Option<Raw> {
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

    fn text(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        let Some(text) = text_of(event)? else {
            return Ok(());
        };
        if self.text.len() + text.len() > MAX_FIELD_BYTES {
            return Err("a location, checksum or size is too long".into());
        }
        self.text.push_str(&text);
        Ok(())
    }
}
