use super::*;

/// The nodes of a page, each on a line.
fn read(page: &str) -> Vec<String> {
    let attributes = |attributes: &Attributes| {
        let pairs = attributes.0.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join(" ")
    };
    let line = |node: Node| match node {
        Node::Anchor(found, text) => format!("a {}: {text}", attributes(&found)),
        Node::Meta(found) => format!("meta {}", attributes(&found)),
        Node::Base(found) => format!("base {}", attributes(&found)),
        Node::Heading(text) => format!("heading: {text}"),
        Node::Form => "form".to_owned(),
    };
    nodes(page).map(line).collect()
}

#[test]
fn the_elements_of_a_page_are_found() {
    let page = "<!DOCTYPE html><HTML><Head><title> Links for <b> &amp; more </title>\
        <meta name='pypi:repository-version' content=1.0><base href='/x/'></head><body>\
        <h1>Links <i>for</i> x</h1><p>text</p><form></form>\
        <a HREF=\"a&#x2d;1.zip#sha256=0&amp;x\" onclick='evil()' data-yanked>a-1.zip</a>";
    assert_eq!(
        read(page),
        [
            "heading: Links for <b> & more",
            "meta name=pypi:repository-version content=1.0",
            "base href=/x/",
            "heading: Links for x",
            "form",
            "a href=a-1.zip#sha256=0&x data-yanked=: a-1.zip",
        ]
    );
}

#[test]
fn the_first_attribute_of_a_name_counts() {
    let page = "<a href=one href=two HREF='three' data-size=1 data-size=2>x</a>";
    assert_eq!(read(page), ["a href=one data-size=1: x"]);
}

#[test]
fn text_that_is_no_markup_is_ignored() {
    for hidden in [
        "<script>'<a href=x>x</a>'</script>",
        "<style><a href=x>x</a></style>",
        "<!-- <a href=x>x</a> -->",
        "<textarea><a href=x>x</a></textarea>",
        "<?a href=x?>",
        "</a href=x>",
    ] {
        let page = format!("{hidden}<a href=y>y</a>");
        assert_eq!(read(&page), ["a href=y: y"], "{hidden}");
    }
}

#[test]
fn truncated_pages_are_read() {
    let page = "<title>t</title><a href=\"x\">one<a href='y'>two</b></a><a href=z>three";
    assert_eq!(
        read(page),
        [
            "heading: t",
            "a href=x: one",
            "a href=y: two",
            "a href=z: three"
        ]
    );
    for end in 0..page.len() {
        assert!(read(&page[..end]).len() <= 4, "{end}");
    }
    let many = "<a ".repeat(10_000);
    assert!(read(&many).is_empty());
}
