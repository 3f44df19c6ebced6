//! Reads the HTML of an index page (WHATWG HTML, "Tokenization"): a short list of elements and their
//! attributes. All else is skipped. HTML of an upstream is never forwarded.

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use std::iter::Peekable;

/// Attributes that are read, of any element.
const ATTRIBUTES: [&str; 10] = [
    "content",
    "data-core-metadata",
    "data-dist-info-metadata",
    "data-provenance",
    "data-requires-python",
    "data-size",
    "data-upload-time",
    "data-yanked",
    "href",
    "name",
];

/// The attributes of a tag that are read, decoded. The first one of a name counts.
#[derive(Default, Debug)]
pub(super) struct Attributes(Vec<(&'static str, String)>);

impl Attributes {
    /// The value of an attribute.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.0.iter();
        attributes
            .find(|(key, _)| *key == name)
            .map(|(_, value)| &**value)
    }

    /// Moves the value of an attribute out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.swap_remove(at).1)
    }
}

/// A node of an index page.
#[derive(Debug)]
pub(super) enum Node {
    /// `<a>` and its text.
    Anchor(Attributes, String),
    /// `<meta>`.
    Meta(Attributes),
    /// `<base>`.
    Base(Attributes),
    /// The text of `<title>` or `<h1>`.
    Heading(String),
    /// `<form>`, which no index page has.
    Form,
}

/// The nodes of a page in their order.
pub(super) fn nodes(page: &str) -> impl Iterator<Item = Node> {
    let mut emitter = CallbackEmitter::<Collector, Piece>::default();
    // The contents of a script, a style or a title are not markup.
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(page, emitter);
    let mut pieces = tokens.filter_map(Result::ok).peekable();
    std::iter::from_fn(move || {
        loop {
            let Piece::Open(element, attributes) = pieces.next()? else {
                continue;
            };
            return Some(match element {
                Element::Anchor => Node::Anchor(attributes, inner_text(&mut pieces, element)),
                Element::Title | Element::Heading => {
                    Node::Heading(inner_text(&mut pieces, element))
                }
                Element::Meta => Node::Meta(attributes),
                Element::Base => Node::Base(attributes),
                Element::Form => Node::Form,
            });
        }
    })
}

/// The text up to the end of an element. The next anchor ends it too, if its end tag is missing.
fn inner_text(pieces: &mut Peekable<impl Iterator<Item = Piece>>, element: Element) -> String {
    let mut text = String::new();
    let is_anchor = |piece: &Piece| matches!(piece, Piece::Open(Element::Anchor, _));
    while let Some(piece) = pieces.next_if(|piece| !is_anchor(piece)) {
        match piece {
            Piece::Close(closed) if closed == element => break,
            Piece::Text(more) if text.is_empty() => text = more,
            Piece::Text(more) => text.push_str(&more),
            Piece::Close(_) | Piece::Open(..) => {}
        }
    }
    text.trim().to_owned()
}

/// Elements that are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Element {
    Anchor,
    Title,
    Heading,
    Meta,
    Base,
    Form,
}

impl Element {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"a" => Self::Anchor,
            b"title" => Self::Title,
            b"h1" => Self::Heading,
            b"meta" => Self::Meta,
            b"base" => Self::Base,
            b"form" => Self::Form,
            _ => return None,
        })
    }
}

/// A tag of such an element, or a text.
enum Piece {
    Open(Element, Attributes),
    Close(Element),
    Text(String),
}

/// Turns the tokenizer's events into pieces.
#[derive(Default)]
struct Collector {
    /// The current tag, if its element is read.
    element: Option<Element>,
    attributes: Attributes,
    /// Whether the current attribute is read.
    reads_value: bool,
}

impl Callback<Piece, ()> for Collector {
    fn handle_event(&mut self, event: CallbackEvent<'_>, _: Span<()>) -> Option<Piece> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.element = Element::of(name);
                self.attributes = Attributes::default();
                None
            }
            CallbackEvent::AttributeName { name } => {
                let known = ATTRIBUTES.iter().find(|known| known.as_bytes() == name);
                let known = known
                    .filter(|name| self.element.is_some() && self.attributes.get(name).is_none());
                self.reads_value = known.is_some();
                self.attributes
                    .0
                    .extend(known.map(|name| (*name, String::new())));
                None
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some((_, last)) = self.attributes.0.last_mut().filter(|_| self.reads_value) {
                    last.push_str(&String::from_utf8_lossy(value));
                }
                None
            }
            CallbackEvent::CloseStartTag { .. } => {
                let attributes = std::mem::take(&mut self.attributes);
                let element = self.element.take()?;
                Some(Piece::Open(element, attributes))
            }
            CallbackEvent::EndTag { name } => Element::of(name).map(Piece::Close),
            CallbackEvent::String { value } => {
                Some(Piece::Text(String::from_utf8_lossy(value).into_owned()))
            }
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
