//! Three hundred texts that would be code if a page let them: thirty kinds of code, each behind ten ways
//! out of where a text stands. Each sets `window.__hit` to its number.

/// Ways out: of text, of attributes in any quotes, of elements whose text is raw, of comments; and
/// letters that readers of text and of markup take differently.
const WAYS_OUT: [&str; 10] = [
    "",
    "\">",
    "'>",
    "` >",
    "</title></textarea></style>",
    "</script>",
    "-->",
    "\u{202e}\u{2066}",
    "&quot;&gt;&#62;",
    "\u{ff1c}\u{feff}",
];

/// Code, `@` stands for the call.
const KINDS: [&str; 30] = [
    "<script>@</script>",
    "<ScRiPt >@</sCrIpT>",
    "<script src=data:text/javascript,@></script>",
    "<img src=x onerror=@>",
    "<img src=\"x\" onerror=\"@\">",
    "<img/src/onerror=@//",
    "<svg onload=@>",
    "<svg><script>@</script></svg>",
    "<svg><animate onbegin=@ attributeName=x dur=1s>",
    "<svg><a xlink:href=\"javascript:@\"><text>a</text></a></svg>",
    "<math><mi xlink:href=\"javascript:@\">a</mi></math>",
    "<iframe srcdoc=\"<script>parent.@</script>\"></iframe>",
    "<iframe src=\"javascript:parent.@\"></iframe>",
    "<object data=\"data:text/html,<script>@</script>\"></object>",
    "<embed src=\"javascript:@\">",
    "<base href=\"//evil.example/\"><a href=\"x\">a</a>",
    "<meta http-equiv=refresh content=\"0;url=javascript:@\">",
    "<link rel=stylesheet href=\"data:text/css,*{color:red}\">",
    "<style>*{background:url(javascript:@)}</style>",
    "<form action=\"javascript:@\"><button autofocus onfocus=@>a</button></form>",
    "<details open ontoggle=@>",
    "<input autofocus onfocus=@>",
    "<video><source onerror=@></video>",
    "<a href=\"javascript:@\">a</a>",
    "<a href=\"&#106;avascript&colon;@\">a</a>",
    "\" onmouseover=@ autofocus onfocus=@ x=\"",
    "' onmouseover=@ autofocus onfocus=@ x='",
    "{{constructor.constructor('@')()}}${@}<%= @ %>{% @ %}",
    "<div hx-on:load=\"@\" hx-get=\"/logout\" hx-trigger=\"load\" data-hx-vals=\"js:@\">",
    "<noscript><p title=\"</noscript><img src=x onerror=@>\">",
];

/// All of them.
pub(crate) fn all() -> Vec<String> {
    let mut made = Vec::new();
    for kind in KINDS {
        for way in WAYS_OUT {
            let call = format!("window.__hit={}", made.len() + 1);
            made.push(format!("{way}{}", kind.replace('@', &call)));
        }
    }
    made
}

/// What is wrong with a page's markup: what no template of ours has in it. `None`: nothing.
pub(crate) fn broken(page: &str) -> Option<String> {
    const NEVER: [&str; 12] = [
        "iframe", "object", "embed", "base", "style", "img", "video", "source", "math", "animate",
        "link", "meta",
    ];
    let Some(head) = page.find("</head>") else {
        return Some("no head".to_owned());
    };
    let mut at = 0;
    let mut landmarks = [
        ("html", 0),
        ("body", 0),
        ("main", 0),
        ("h1", 0),
        ("header", 0),
    ];
    while let Some(next) = page[at..].find('<') {
        let from = at + next + 1;
        let end = match closed(&page[from..]) {
            Ok(length) => from + length,
            Err(why) => return Some(format!("{why}: {}", around(page, from))),
        };
        let tag = &page[from..end];
        at = end + 1;
        let letters = tag.chars().take_while(char::is_ascii_alphanumeric);
        let name = letters.collect::<String>().to_lowercase();
        let is_odd = name.is_empty() && !tag.starts_with('/') && !tag.starts_with("!DOCTYPE ");
        let is_new = from > head && NEVER.contains(&&*name)
            || name == "script" && !tag.contains("src=\"/assets/");
        if is_odd || is_new || has_code(tag) {
            return Some(format!("<{tag}> at {}", around(page, from)));
        }
        if let Some((_, count)) = landmarks.iter_mut().find(|(known, _)| *known == name) {
            *count += 1;
        }
    }
    let wrong = landmarks.iter().find(|(_, count)| *count != 1);
    wrong.map(|(name, count)| format!("{count} of {name}"))
}

fn around(page: &str, at: usize) -> String {
    page[at.saturating_sub(1)..].chars().take(120).collect()
}

/// How long a tag is whose first letter stands at the beginning: quotes may hold anything but `<`.
fn closed(text: &str) -> Result<usize, &'static str> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Ok(at),
            (_, '<') => return Err("a tag in a tag"),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    Err("a tag without an end")
}

/// Whether a tag has an attribute that runs something or leads elsewhere.
fn has_code(tag: &str) -> bool {
    let mut rest = tag;
    while let Some((before, behind)) = rest.split_once('=') {
        let name = before
            .rsplit([' ', '\n', '"', '\''])
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let Some(quote) = behind.chars().next().filter(|quote| "\"'".contains(*quote)) else {
            return true; // all of ours are quoted
        };
        let value = behind[1..].split(quote).next().unwrap_or_default();
        let leads = ["href", "src", "action"]
            .iter()
            .any(|end| name.ends_with(end));
        let is_own =
            value.is_empty() || value.starts_with(['/', '#', '?']) && !value.starts_with("//");
        if name.starts_with("on")
            || name.contains("on:")
            || name == "style"
            || leads && !is_own && value != "data:,"
        {
            return true;
        }
        rest = &behind[value.len() + 2..];
    }
    false
}

#[test]
fn there_are_three_hundred_and_none_would_pass() {
    let all = all();
    assert_eq!(all.len(), 300);
    let page = |text: &str| {
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>a</title></head>\
             <body><header></header><main><h1>a</h1><p title=\"{text}\">{text}</p></main></body></html>"
        )
    };
    assert_eq!(broken(&page("nothing")), None);
    for text in all
        .iter()
        .filter(|text| text.contains('<') || text.starts_with("\" "))
    {
        assert!(broken(&page(text)).is_some(), "{text}");
    }
}
