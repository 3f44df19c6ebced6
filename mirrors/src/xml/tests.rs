use super::*;

/// The tags of a document with their depths, and all text between them.
fn walk(document: &str) -> Result<(Vec<(String, usize)>, String), String> {
    let mut walker = Walker::new(Box::new(document.as_bytes()), 1 << 20);
    let (mut tags, mut text) = (Vec::new(), String::new());
    while let Some(Step { depth, event }) = walker.next().map_err(|fault| fault.to_string())? {
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                tags.push((name, depth));
            }
            Event::End(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                tags.push((format!("/{name}"), depth));
            }
            event => text.extend(text_of(event).map_err(|fault| fault.to_string())?),
        }
    }
    Ok((tags, text))
}

#[test]
fn elements_have_their_depth() {
    let document = "<?xml version=\"1.0\"?>\n<!DOCTYPE a PUBLIC \"x\" \"y\">\n\
        <a><b>one&amp;&#x41;</b><c/><!-- no --><![CDATA[<two>]]></a>\n";
    let (tags, text) = walk(document).expect("sound");
    let tags: Vec<(&str, usize)> = tags.iter().map(|(name, depth)| (&**name, *depth)).collect();
    assert_eq!(tags, [("a", 0), ("b", 1), ("/b", 1), ("c", 1), ("/a", 0)]);
    assert_eq!(text.trim(), "one&A<two>");
}

#[test]
fn invalid_documents_are_refused() {
    let deep = format!("{}{}", "<a>".repeat(33), "</a>".repeat(33));
    for (document, expected) in [
        ("", "truncated"),
        ("  ", "truncated"),
        ("<a>", "truncated"),
        ("<a><b></b>", "truncated"),
        ("<a/><b/>", "second root"),
        ("<a></a><b></b>", "second root"),
        ("<a/>text", "outside of the root"),
        ("text<a/>", "outside of the root"),
        ("<a/><![CDATA[x]]>", "outside of the root"),
        ("<!DOCTYPE a [<!ENTITY e \"x\">]><a/>", "defines entities"),
        ("<a>&e;</a>", "not XML's own"),
        (&deep, "too deep"),
    ] {
        let fault = walk(document).expect_err(document);
        assert!(fault.contains(expected), "{document}: {fault}");
    }
    for document in ["<a></b>", "<a", "</a>", "<a>&</a>"] {
        assert!(walk(document).is_err(), "{document}");
    }
}

#[test]
fn documents_tags_and_texts_have_a_limit() {
    let long = format!("<a>{}</a>", "x".repeat(2 << 20));
    assert!(walk(&long).expect_err("a piece").contains("too long"));
    let many = format!("<a>{}</a>", "<b>x</b>".repeat(1 << 17));
    assert!(walk(&many).expect_err("a document").contains("too long"));
}

#[test]
fn attributes_are_read_in_any_spelling() {
    let read = |document: &str, name: &str| {
        let mut walker = Walker::new(Box::new(document.as_bytes()), 1 << 20);
        let step = walker.next().expect("sound").expect("a tag");
        let Event::Empty(tag) = &step.event else {
            panic!("{:?}", step.event)
        };
        attribute(tag, name.as_bytes()).map_err(|fault| fault.to_string())
    };
    let tag = "<a x='1 &lt; 2' y=\"&quot;\" x='3'/>";
    assert_eq!(read(tag, "x").expect("read").as_deref(), Some("1 < 2"));
    assert_eq!(read(tag, "y").expect("read").as_deref(), Some("\""));
    assert_eq!(read(tag, "z").expect("read"), None);
    let many = " a='1'".repeat(65);
    let fault = read(&format!("<a{many}/>"), "z").expect_err("too many");
    assert!(fault.contains("too many attributes"), "{fault}");
}

#[test]
fn written_xml_can_be_read() {
    let mut xml = XmlWriter::new();
    let write = |xml: &mut XmlWriter| {
        xml.declaration()?;
        xml.open(0, "a", &[("x", "<\"&'>"), ("y", "\u{1}z")])?;
        xml.element(2, "b", &[], "one & <two>\n\u{0}\u{fffe}three")?;
        xml.element(4, "c", &[("n", "1")], "")?;
        xml.close(0, "a")
    };
    write(&mut xml).expect("written");
    let document = xml.end().expect("text");
    assert_eq!(
        document,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <a x=\"&lt;&quot;&amp;&apos;&gt;\" y=\"z\">\n  \
         <b>one &amp; &lt;two&gt;\nthree</b>\n    <c n=\"1\"/>\n</a>\n"
    );
    assert!(walk(&document).is_ok());
}
