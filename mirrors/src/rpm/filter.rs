//! Walks through a list and hands out its elements one after another as they are written, with what
//! tells whose they are: no more than one of them is in memory.

use super::item::{Item, location};
use super::unpack::{Fence, MAX_UNPACKED_BYTES, unpack};
use super::xml::{Fault, Raw, attribute, resolve};
use crate::text::not_that;
use larder_model::Problem;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer, XmlVersion};

/// The largest package of a distribution has a fortieth of it.
const MAX_ELEMENT_BYTES: usize = 128 << 20;
const MAX_DEPTH: usize = 32;
/// Of a name or checksum.
const MAX_TEXT_BYTES: usize = 4096;
/// Real lists declare three.
const MAX_PREFIXES: usize = 32;

pub(super) fn unreadable(fault: impl Into<Fault>) -> Problem {
    not_that("a list of packages that can be read").because(fault)
}

/// What the elements of a list are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Packages,
    /// Advisories or groups of packages: they have names of their own, in many languages.
    Other,
}

/// What an element right below the root is.
#[derive(Default)]
pub(super) struct Element {
    /// As it is written, but for its location: that is below the repository's own root.
    pub(super) text: Vec<u8>,
    /// Of a package: its name.
    pub(super) name: String,
    /// Of a package: its checksum.
    pub(super) id: String,
    /// Of a package in `primary`: where it is; `None` if nobody could ask for it here.
    pub(super) path: Option<String>,
}

/// A list that is being walked through.
pub(super) struct Elements<'a> {
    reader: Reader<Fence<'a>>,
    buffer: Vec<u8>,
    walk: Walk<'a>,
}

/// How far the walk is.
struct Walk<'a> {
    content: Content,
    /// Names that packages must not have where they stand within other elements.
    hidden: &'a dyn Fn(&str) -> bool,
    prefixes: Vec<(String, String)>,
    depth: usize,
    /// Whether the root is closed.
    ended: bool,
    now: Option<Taking>,
}

/// The element that the walk is within.
struct Taking {
    content: Content,
    element: Element,
    writer: Writer<Vec<u8>>,
    /// What the text that comes is.
    field: Option<Field>,
    said: String,
    /// The depth of a part that is left out.
    skipped: Option<usize>,
    /// The depth of the list of what the package replaces.
    replaces: Option<usize>,
}

impl<'a> Elements<'a> {
    /// `hidden`: whether a name has no place in the list.
    pub(super) fn new(
        packed: &'a [u8],
        content: Content,
        hidden: &'a dyn Fn(&str) -> bool,
    ) -> Result<Self, Problem> {
        let list = unpack(packed).map_err(unreadable)?;
        let reader = Reader::from_reader(Fence::new(list, MAX_UNPACKED_BYTES));
        let walk = Walk {
            content,
            hidden,
            prefixes: Vec::new(),
            depth: 0,
            ended: false,
            now: None,
        };
        Ok(Self {
            reader,
            buffer: Vec::new(),
            walk,
        })
    }

    /// The next element below the root.
    pub(super) fn next(&mut self) -> Result<Option<Element>, Problem> {
        self.advance().map_err(unreadable)
    }

    /// Prefixes that the root declares, with the addresses that they stand for.
    pub(super) fn prefixes(&self) -> &[(String, String)] {
        &self.walk.prefixes
    }

    fn advance(&mut self) -> Result<Option<Element>, Fault> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().next_piece();
            let event = self.reader.read_event_into(&mut self.buffer)?;
            match &event {
                Event::Start(tag) => self.walk.open(tag, false)?,
                Event::Empty(tag) => self.walk.open(tag, true)?,
                Event::End(_) => self.walk.close(&event)?,
                Event::DocType(kind) if kind.contains(&b'[') => {
                    return Err("a document type of its own".into());
                }
                Event::Eof if self.walk.ended => return Ok(None),
                Event::Eof => return Err("the document is cut short".into()),
                _ => {
                    if let Some(taking) = &mut self.walk.now {
                        taking.hear(&event)?;
                    }
                }
            }
            if let Some(element) = self.walk.whole() {
                return Ok(Some(element));
            }
        }
    }
}

impl Walk<'_> {
    fn open(&mut self, tag: &BytesStart<'_>, closes: bool) -> Result<(), Fault> {
        match self.depth {
            0 if self.ended => return Err("a second root element".into()),
            0 => self.prefixes = prefixes(tag)?,
            1 => self.now = Some(Taking::of(tag, closes, self.content)?),
            MAX_DEPTH => return Err("elements within elements go too deep".into()),
            depth => {
                if let Some(taking) = &mut self.now {
                    taking.open(tag, closes, depth, self.hidden)?;
                }
            }
        }
        if closes {
            self.ended |= self.depth == 0;
        } else {
            self.depth += 1;
        }
        Ok(())
    }

    fn close(&mut self, end: &Event<'_>) -> Result<(), Fault> {
        self.depth = self.depth.saturating_sub(1);
        self.ended |= self.depth == 0;
        match &mut self.now {
            Some(taking) => taking.close(end, self.depth),
            None => Ok(()),
        }
    }

    /// The element that the walk has come to the end of.
    fn whole(&mut self) -> Option<Element> {
        let Taking {
            mut element,
            writer,
            ..
        } = self.now.take_if(|_| self.depth == 1)?;
        element.text = writer.into_inner();
        Some(element)
    }
}

impl Taking {
    fn of(tag: &BytesStart<'_>, closes: bool, content: Content) -> Result<Self, Fault> {
        let mut element = Element::default();
        if content == Content::Packages {
            element.name = attribute(tag, b"name")?.unwrap_or_default();
            element.id = attribute(tag, b"pkgid")?.unwrap_or_default();
        }
        let (writer, said) = (Writer::new(Vec::new()), String::new());
        let mut taking = Self {
            content,
            element,
            writer,
            field: None,
            said,
            skipped: None,
            replaces: None,
        };
        taking.write(tag_event(tag.borrow(), closes))?;
        Ok(taking)
    }

    fn open(
        &mut self,
        tag: &BytesStart<'_>,
        closes: bool,
        depth: usize,
        hidden: &dyn Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        if self.field.is_some() {
            return Err("a name or checksum has elements within".into());
        }
        let mut own = None;
        if depth == 2 && self.content == Content::Packages {
            (self.field, own) = self.element.open(tag)?;
            self.said.clear();
            self.field = self.field.filter(|_| !closes);
        } else if self.skipped.is_none() && self.leaves_out(tag, hidden)? {
            self.skipped = Some(depth);
        }
        if self.replaces.is_none() && !closes && self.is_list_of_replaced(tag) {
            self.replaces = Some(depth);
        }
        self.write(tag_event(own.unwrap_or_else(|| tag.borrow()), closes))?;
        self.skipped = self.skipped.filter(|from| !closes || *from != depth);
        Ok(())
    }

    fn is_list_of_replaced(&self, tag: &BytesStart<'_>) -> bool {
        self.content == Content::Packages && tag.local_name().as_ref() == b"obsoletes"
    }

    /// Whether a part names what it must not: a package of an advisory, or one that this one would
    /// replace.
    fn leaves_out(
        &self,
        tag: &BytesStart<'_>,
        hidden: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Fault> {
        let replaced = self.replaces.is_some();
        if !replaced && tag.local_name().as_ref() != b"package" {
            return Ok(false);
        }
        // One in parentheses is a condition with names within. Where packages are replaced, rpm
        // allows none.
        Ok(attribute(tag, b"name")?
            .is_some_and(|name| hidden(&name) || replaced && name.trim().starts_with('(')))
    }

    /// Something within it ends, at this depth.
    fn close(&mut self, end: &Event<'_>, depth: usize) -> Result<(), Fault> {
        if let Some(field) = self.field.take() {
            self.element.set(field, self.said.trim())?;
        }
        self.write(end.borrow())?;
        self.skipped = self.skipped.filter(|from| *from != depth);
        self.replaces = self.replaces.filter(|from| *from != depth);
        Ok(())
    }

    fn hear(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        if self.field.is_some() {
            say(event, &mut self.said)?;
        }
        self.write(event.borrow())
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), Fault> {
        if self.skipped.is_none() {
            self.writer.write_event(event)?;
        }
        if self.writer.get_ref().len() > MAX_ELEMENT_BYTES {
            Err("an element is too long".into())
        } else {
            Ok(())
        }
    }
}

fn tag_event(tag: BytesStart<'_>, closes: bool) -> Event<'_> {
    if closes {
        Event::Empty(tag)
    } else {
        Event::Start(tag)
    }
}

/// Of two answers another reader might take the other one.
const TWICE: &str = "an element says twice what it is";

/// Adds what an event says to a text, however it is written.
fn say(event: &Event<'_>, text: &mut String) -> Result<(), Fault> {
    match event {
        Event::Text(part) => text.push_str(&part.decode()?),
        Event::CData(part) => text.push_str(&part.decode()?),
        Event::GeneralRef(reference) => text.push_str(&resolve(reference)?),
        _ => {}
    }
    if text.len() > MAX_TEXT_BYTES {
        Err("a name or checksum is too long".into())
    } else {
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Field {
    Name,
    Id,
}

impl Element {
    /// A child of it begins: what its text is, and how it is written if not as it came.
    fn open(
        &mut self,
        tag: &BytesStart<'_>,
    ) -> Result<(Option<Field>, Option<BytesStart<'static>>), Fault> {
        Ok(match tag.name().as_ref() {
            b"name" => (Some(Field::Name), None),
            b"checksum" => (Some(Field::Id), None),
            b"location" if self.path.is_some() => return Err(TWICE.into()),
            b"location" => {
                let (href, base) = (attribute(tag, b"href")?, attribute(tag, b"xml:base")?);
                let item = Item::read(
                    &Raw {
                        href,
                        base,
                        ..Raw::default()
                    },
                    "",
                );
                self.path = item.ok().map(|item| item.path);
                let href = self.path.as_deref().map(location).unwrap_or_default();
                (
                    None,
                    Some(BytesStart::new("location").with_attributes([("href", href.as_str())])),
                )
            }
            _ => (None, None),
        })
    }

    fn set(&mut self, field: Field, text: &str) -> Result<(), Fault> {
        let place = match field {
            Field::Name => &mut self.name,
            Field::Id => &mut self.id,
        };
        if !place.is_empty() {
            return Err(TWICE.into());
        }
        text.clone_into(place);
        Ok(())
    }
}

/// The prefixes that a root element declares.
fn prefixes(tag: &BytesStart<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut prefixes = Vec::new();
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute?;
        let Some(prefix) = attribute.key.as_ref().strip_prefix(b"xmlns:") else {
            continue;
        };
        if !is_prefix(prefix) {
            continue;
        }
        let address = attribute
            .normalized_value(XmlVersion::Implicit1_0)?
            .into_owned();
        if address.is_empty() || !address.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a prefix stands for no address".into());
        }
        if prefixes.len() == MAX_PREFIXES {
            return Err("a list declares too many prefixes".into());
        }
        prefixes.push((str::from_utf8(prefix)?.to_owned(), address));
    }
    Ok(prefixes)
}

/// Whether a prefix can be declared anew. What begins with `xml` is not to be.
fn is_prefix(prefix: &[u8]) -> bool {
    let begins = prefix
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let reserved = prefix
        .get(..3)
        .is_some_and(|begin| begin.eq_ignore_ascii_case(b"xml"));
    begins
        && !reserved
        && prefix
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}
