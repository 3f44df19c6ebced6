//! Markdown as HTML: readmes, which are anybody's words.
//!
//! Nothing of the source becomes markup. The parser tells what it found, and for what is known here
//! a fixed tag is written, around text that is escaped. Tags that the source has are left out.

use larder_model::html::escape;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::fmt::{self, Display};
use url::Url;

/// More of a source is not rendered, in bytes.
pub(crate) const MAX_SOURCE_BYTES: usize = 256 << 10;
/// Where the HTML has so many bytes, the rest is left out.
const MAX_HTML_BYTES: usize = 1 << 20;
/// What is nested deeper has no tags of its own.
const MAX_DEPTH: usize = 24;
/// Cells of the widest row that a table may have; wider ones would cost their square.
const MAX_COLUMNS: usize = 64;
/// What links say of themselves: this server does not vouch for where they lead.
const RELATION: &str = "noopener noreferrer nofollow";

/// HTML that was made here, and is written as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Html(String);

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// A source as HTML, and whether some of it was left out. Its highest heading is an `h3`.
pub(crate) fn render(source: &str) -> (Html, bool) {
    let end = source.floor_char_boundary(MAX_SOURCE_BYTES);
    let shown = without_wide_tables(&source[..end]);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer::default();
    let mut is_whole = end == source.len();
    for event in Parser::new_ext(&shown, options) {
        if writer.html.len() > MAX_HTML_BYTES {
            is_whole = false;
            break;
        }
        writer.event(event);
    }
    (Html(writer.end()), !is_whole)
}

/// The source, in which no line can be the head of a table with too many columns.
fn without_wide_tables(source: &str) -> String {
    let is_wide = |line: &str| {
        let cells = line.bytes().filter(|byte| *byte == b'|').count();
        let is_rule = line.bytes().all(|byte| b" \t|:->\r".contains(&byte));
        is_rule && cells > MAX_COLUMNS
    };
    let lines = source.split_inclusive('\n');
    lines
        .filter(|line| !is_wide(line.trim_end_matches('\n')))
        .collect()
}

/// Where a link leads, if that is the web or a mailbox.
pub(crate) fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let is_known = matches!(url.scheme(), "http" | "https" | "mailto");
    is_known.then(|| url.to_string())
}

/// Writes HTML.
#[derive(Default)]
struct Writer {
    html: String,
    /// What ends each open element; empty: it has no tag.
    open: Vec<&'static str>,
    /// Links that are open: there is one at most.
    links: usize,
    /// Whether the row is the head of its table.
    in_head: bool,
    /// What blocks of HTML hold, whose tags are left out.
    raw: String,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::Html(text) => self.raw.push_str(&text),
            Event::InlineHtml(tag) if is_break(&tag) => self.html.push_str("<br>"),
            Event::InlineHtml(_) | Event::FootnoteReference(_) => {}
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(is_done) => {
                self.html.push_str(if is_done { "☑ " } else { "☐ " });
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.html.push_str(&escape(text));
    }

    /// Opens an element.
    fn tags(&mut self, begin: &str, end: &'static str) {
        if self.open.len() < MAX_DEPTH {
            self.html.push_str(begin);
            self.open.push(end);
        } else {
            self.open.push("");
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => self.tags("<p>", "</p>\n"),
            Tag::Heading { level, .. } => {
                let (begin, end) = heading(*level);
                self.tags(begin, end);
            }
            Tag::BlockQuote(_) => self.tags("<blockquote>", "</blockquote>\n"),
            Tag::CodeBlock(_) => self.tags("<pre><code>", "</code></pre>\n"),
            Tag::List(None) => self.tags("<ul>", "</ul>\n"),
            Tag::List(Some(first)) => self.tags(&format!("<ol start=\"{first}\">"), "</ol>\n"),
            Tag::Item => self.tags("<li>", "</li>\n"),
            Tag::Table(_) => self.tags("<div class=\"scroll\"><table>", "</tbody></table></div>\n"),
            Tag::TableHead => {
                self.in_head = true;
                self.tags("<thead><tr>", "</tr></thead><tbody>");
            }
            Tag::TableRow => self.tags("<tr>", "</tr>\n"),
            Tag::TableCell if self.in_head => self.tags("<th scope=\"col\">", "</th>"),
            Tag::TableCell => self.tags("<td>", "</td>"),
            Tag::Emphasis => self.tags("<em>", "</em>"),
            Tag::Strong => self.tags("<strong>", "</strong>"),
            Tag::Strikethrough => self.tags("<del>", "</del>"),
            Tag::Link { dest_url, .. } => self.link(dest_url),
            // Pages ask nobody else for anything: instead of an image stands what it shows.
            Tag::Image { dest_url, .. } => self.link(dest_url),
            Tag::HtmlBlock => {
                self.raw.clear();
                self.open.push("");
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.open.push(""),
        }
    }

    fn link(&mut self, to: &str) {
        let address = web_address(to).filter(|_| self.links == 0);
        self.links += 1;
        match address {
            Some(address) => {
                let begin = format!("<a href=\"{}\" rel=\"{RELATION}\">", escape(&address));
                self.tags(&begin, "</a>");
            }
            None => self.open.push(""),
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image => self.links = self.links.saturating_sub(1),
            TagEnd::TableHead => self.in_head = false,
            TagEnd::HtmlBlock => {
                let text = without_tags(&std::mem::take(&mut self.raw));
                if !text.is_empty() {
                    self.html.push_str("<p>");
                    self.text(&text);
                    self.html.push_str("</p>\n");
                }
            }
            _ => {}
        }
        self.html.push_str(self.open.pop().unwrap_or_default());
    }

    /// Ends what is still open.
    fn end(mut self) -> String {
        while let Some(end) = self.open.pop() {
            self.html.push_str(end);
        }
        self.html
    }
}

/// The tags of a heading, which stands below those of the page.
const fn heading(level: HeadingLevel) -> (&'static str, &'static str) {
    match level {
        HeadingLevel::H1 => ("<h3>", "</h3>\n"),
        HeadingLevel::H2 => ("<h4>", "</h4>\n"),
        HeadingLevel::H3 => ("<h5>", "</h5>\n"),
        _ => ("<h6>", "</h6>\n"),
    }
}

/// Whether a tag only breaks the line.
fn is_break(tag: &str) -> bool {
    let name = tag.trim_matches(['<', '>', '/', ' ']);
    name.eq_ignore_ascii_case("br")
}

/// What a block of HTML says between its tags; nothing of scripts and styles.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let name = tag.get(..6).unwrap_or(tag).to_ascii_lowercase();
        let end = match () {
            () if tag.starts_with("!--") => tag.find("-->").map(|at| at + 3),
            () if name.starts_with("script") || name.starts_with("style") => None,
            () => tag.find('>').map(|at| at + 1),
        };
        rest = end.and_then(|end| tag.get(end..)).unwrap_or_default();
    }
    text.push_str(rest);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
