//! Reads the elements of a list one after another, each with its package. Only one element at a time
//! is in memory.

use super::item::{Item, location};
use super::paths::joined;
use super::scan::Raw;
use crate::text::bad_document;
use crate::unpack::{MAX_UNPACKED_BYTES, unpack};
use crate::xml::{Fault, Step, Walker, attribute, text_of};
use larder_model::Problem;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Writer, XmlVersion};

/// Limit on the bytes of an element. The largest package of a distribution has a fortieth of it.
const MAX_ELEMENT_BYTES: usize = 128 << 20;
/// Limit on the length of a name, checksum or architecture.
const MAX_TEXT_BYTES: usize = 4096;
/// Limit on the prefixes of a list. Real ones declare three.
const MAX_PREFIXES: usize = 32;

pub(super) fn unreadable(fault: impl Into<Fault>) -> Problem {
    bad_document("a list of packages that can be read").because(fault)
}

/// The content of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Packages,
    /// Advisories or groups of packages. They have names of their own, in many languages.
    Other,
}

/// An element directly below the root.
#[derive(Default)]
pub(super) struct Element {
    /// Its text. A location in it is relative to our own root.
    pub(super) text: Vec<u8>,
    /// Of a package: its name.
    pub(super) name: String,
    /// Of a package: its checksum.
    pub(super) id: String,
    /// Of a package in `primary`: its architecture.
    pub(super) arch: String,
    /// Of a package: its epoch, version and release, as `0:1.2-3`.
    pub(super) edition: String,
    /// Of a package in `primary`: its path from the list's root; `None` if it cannot be requested here.
    pub(super) path: Option<String>,
}

/// Reads a list.
pub(super) struct Elements<'a> {
    walker: Walker<'a>,
    state: State<'a>,
}

struct State<'a> {
    content: Content,
    /// The root of the list.
    root: &'a str,
    /// Names of packages that are removed from other elements.
    hidden: &'a dyn Fn(&str) -> bool,
    prefixes: Vec<(String, String)>,
    current: Option<Builder>,
}

/// The current element, as it will be written.
struct Builder {
    content: Content,
    element: Element,
    writer: Writer<Vec<u8>>,
    /// The field that the current child's text is.
    field: Option<Field>,
    text: String,
    /// The depth of a part that is removed.
    skipped: Option<usize>,
    /// The depth of the list of obsoletes.
    replaces: Option<usize>,
}

impl<'a> Elements<'a> {
    /// `root`: where the list is; `hidden`: the names to remove from it.
    pub(super) fn new(
        packed: &'a [u8],
        (content, root): (Content, &'a str),
        hidden: &'a dyn Fn(&str) -> bool,
    ) -> Result<Self, Problem> {
        let list = unpack(packed).map_err(unreadable)?;
        let state = State {
            content,
            root,
            hidden,
            prefixes: Vec::new(),
            current: None,
        };
        Ok(Self {
            walker: Walker::new(list, MAX_UNPACKED_BYTES),
            state,
        })
    }

    /// The next element below the root.
    pub(super) fn next(&mut self) -> Result<Option<Element>, Problem> {
        self.advance().map_err(unreadable)
    }

    /// The prefixes that the root declares, and their namespaces.
    pub(super) fn prefixes(&self) -> &[(String, String)] {
        &self.state.prefixes
    }

    fn advance(&mut self) -> Result<Option<Element>, Fault> {
        while let Some(Step { depth, event }) = self.walker.next()? {
            let is_whole = match &event {
                Event::Start(tag) => self.state.open(tag, false, depth)?,
                Event::Empty(tag) => self.state.open(tag, true, depth)?,
                Event::End(_) => self.state.close(&event, depth)?,
                _ => {
                    if let Some(builder) = &mut self.state.current {
                        builder.other(&event)?;
                    }
                    false
                }
            };
            if is_whole && let Some(builder) = self.state.current.take() {
                return Ok(Some(builder.end()));
            }
        }
        Ok(None)
    }
}

impl State<'_> {
    /// Handles the start of an element. Returns whether it is a complete element below the root.
    fn open(&mut self, tag: &BytesStart<'_>, is_empty: bool, depth: usize) -> Result<bool, Fault> {
        match (depth, &mut self.current) {
            (0, _) => self.prefixes = prefixes(tag)?,
            (1, current) => *current = Some(Builder::new(tag, is_empty, self.content)?),
            (_, Some(builder)) => {
                builder.open(tag, is_empty, depth, (self.root, self.hidden))?;
            }
            (_, None) => {}
        }
        Ok(is_empty && depth == 1)
    }

    fn close(&mut self, end: &Event<'_>, depth: usize) -> Result<bool, Fault> {
        if let Some(builder) = &mut self.current {
            builder.close(end, depth)?;
        }
        Ok(depth == 1)
    }
}

impl Builder {
    fn new(tag: &BytesStart<'_>, is_empty: bool, content: Content) -> Result<Self, Fault> {
        let mut element = Element::default();
        if content == Content::Packages {
            element.name = attribute(tag, b"name")?.unwrap_or_default();
            element.id = attribute(tag, b"pkgid")?.unwrap_or_default();
        }
        let mut builder = Self {
            content,
            element,
            writer: Writer::new(Vec::new()),
            field: None,
            text: String::new(),
            skipped: None,
            replaces: None,
        };
        builder.write(tag_event(tag.borrow(), is_empty))?;
        Ok(builder)
    }

    fn open(
        &mut self,
        tag: &BytesStart<'_>,
        is_empty: bool,
        depth: usize,
        (root, hidden): (&str, &dyn Fn(&str) -> bool),
    ) -> Result<(), Fault> {
        if self.field.is_some() {
            return Err("a name, checksum or architecture has elements within".into());
        }
        let mut own = None;
        if depth == 2 && self.content == Content::Packages {
            (self.field, own) = self.element.open(tag, root)?;
            self.text.clear();
            self.field = self.field.filter(|_| !is_empty);
        } else if self.skipped.is_none() && self.is_left_out(tag, hidden)? {
            self.skipped = Some(depth);
        }
        if self.replaces.is_none() && !is_empty && self.is_list_of_replaced(tag) {
            self.replaces = Some(depth);
        }
        self.write(tag_event(own.unwrap_or_else(|| tag.borrow()), is_empty))?;
        self.skipped = self.skipped.filter(|from| !is_empty || *from != depth);
        Ok(())
    }

    fn is_list_of_replaced(&self, tag: &BytesStart<'_>) -> bool {
        self.content == Content::Packages && tag.local_name().as_ref() == b"obsoletes"
    }

    /// Whether a part is removed: a hidden package of an advisory, or one that this package obsoletes.
    fn is_left_out(
        &self,
        tag: &BytesStart<'_>,
        hidden: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Fault> {
        let replaced = self.replaces.is_some();
        if !replaced && tag.local_name().as_ref() != b"package" {
            return Ok(false);
        }
        // A name in parentheses is a condition with names in it. rpm allows none among obsoletes.
        Ok(attribute(tag, b"name")?
            .is_some_and(|name| hidden(&name) || replaced && name.trim().starts_with('(')))
    }

    /// Handles the end of an element within it, at this depth.
    fn close(&mut self, end: &Event<'_>, depth: usize) -> Result<(), Fault> {
        if let Some(field) = self.field.take() {
            self.element.set(field, self.text.trim())?;
        }
        self.write(end.borrow())?;
        self.skipped = self.skipped.filter(|from| *from != depth);
        self.replaces = self.replaces.filter(|from| *from != depth);
        Ok(())
    }

    /// Handles an event that is not a tag.
    fn other(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        if self.field.is_some()
            && let Some(text) = text_of(event)?
        {
            if self.text.len() + text.len() > MAX_TEXT_BYTES {
                return Err("a name, checksum or architecture is too long".into());
            }
            self.text.push_str(&text);
        }
        self.write(event.borrow())
    }

    fn end(self) -> Element {
        let mut element = self.element;
        element.text = self.writer.into_inner();
        element
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

fn tag_event(tag: BytesStart<'_>, is_empty: bool) -> Event<'_> {
    if is_empty {
        Event::Empty(tag)
    } else {
        Event::Start(tag)
    }
}

/// The fault of duplicates, because readers differ in which of the two they take.
const TWICE: &str = "an element has two names, checksums or locations";

#[derive(Clone, Copy)]
enum Field {
    Name,
    Id,
    Arch,
}

impl Element {
    /// The name, epoch, version, release and architecture of a package in `primary`.
    pub(super) fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.edition, self.arch)
    }

    /// Handles the start of a child. Returns the field that its text is, and the tag to write instead.
    fn open(
        &mut self,
        tag: &BytesStart<'_>,
        root: &str,
    ) -> Result<(Option<Field>, Option<BytesStart<'static>>), Fault> {
        Ok(match tag.name().as_ref() {
            b"name" => (Some(Field::Name), None),
            b"checksum" => (Some(Field::Id), None),
            b"arch" => (Some(Field::Arch), None),
            b"version" => {
                let part = |name| Ok::<_, Fault>(attribute(tag, name)?.unwrap_or_default());
                let epoch = attribute(tag, b"epoch")?.filter(|epoch| !epoch.is_empty());
                let epoch = epoch.unwrap_or_else(|| "0".to_owned());
                self.edition = format!("{epoch}:{}-{}", part(b"ver")?, part(b"rel")?);
                (None, None)
            }
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
                let path = item.ok().map(|item| item.path);
                self.path = path.filter(|path| joined(root, path).is_some());
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
        let value = match field {
            Field::Name => &mut self.name,
            Field::Id => &mut self.id,
            Field::Arch => {
                text.clone_into(&mut self.arch);
                return Ok(());
            }
        };
        if !value.is_empty() {
            return Err(TWICE.into());
        }
        text.clone_into(value);
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
            return Err("a prefix has no address".into());
        }
        if prefixes.len() == MAX_PREFIXES {
            return Err("a list declares too many prefixes".into());
        }
        prefixes.push((str::from_utf8(prefix)?.to_owned(), address));
    }
    Ok(prefixes)
}

/// Whether a prefix can be declared in our list. Those that begin with `xml` are reserved.
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
