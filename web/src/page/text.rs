//! Sentences of the document, with what is code in them.

/// A part of a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) is_code: bool,
    pub(super) text: String,
}

/// Sentences, paragraph by paragraph.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Vec<Vec<Span>>);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.is_empty());
        Self(paragraphs.map(spans).collect())
    }
}

/// What stands between backticks is code.
fn spans(paragraph: &str) -> Vec<Span> {
    let parts = paragraph.split('`').enumerate();
    let span = |(at, text): (usize, &str)| Span {
        is_code: at % 2 == 1,
        text: text.to_owned(),
    };
    parts
        .map(span)
        .filter(|span| !span.text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
