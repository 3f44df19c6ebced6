use super::*;

/// Tags that may be written, with the attributes that each may have.
const TAGS: [(&str, &[&str]); 29] = [
    ("p", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("blockquote", &[]),
    ("pre", &[]),
    ("code", &[]),
    ("ul", &[]),
    ("ol", &["start"]),
    ("li", &[]),
    ("div", &["class"]),
    ("table", &[]),
    ("thead", &[]),
    ("tbody", &[]),
    ("tr", &[]),
    ("th", &["scope"]),
    ("td", &[]),
    ("em", &[]),
    ("strong", &[]),
    ("del", &[]),
    ("a", &["href", "rel"]),
    ("br", &[]),
    ("hr", &[]),
    ("h2", &["never"]),
    ("img", &["never"]),
    ("script", &["never"]),
    ("svg", &["never"]),
    ("input", &["never"]),
];

/// Reads HTML as a browser's tokenizer would, as far as it was made here: every `<` begins a tag of the
/// list, its attributes are quoted, links lead to the web, and every element ends.
fn require_sound(html: &str, about: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, behind) = after
            .split_once('>')
            .unwrap_or_else(|| panic!("{about}: {html}"));
        rest = behind;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{about}: {html}");
            continue;
        }
        let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = TAGS.iter().find(|(known, _)| *known == name);
        let (_, allowed) = known.unwrap_or_else(|| panic!("{about}: <{tag}> in {html}"));
        assert_ne!(*allowed, ["never"], "{about}: {html}");
        while !attributes.is_empty() {
            let (key, value) = attributes
                .split_once("=\"")
                .unwrap_or_else(|| panic!("{about}: {html}"));
            assert!(allowed.contains(&key), "{about}: {key} in {html}");
            let (value, next) = value
                .split_once('"')
                .unwrap_or_else(|| panic!("{about}: {html}"));
            if key == "href" {
                let to_web = ["http://", "https://", "mailto:"];
                assert!(
                    to_web.iter().any(|scheme| value.starts_with(scheme)),
                    "{about}: {value}"
                );
                assert!(!value.contains(char::is_whitespace), "{about}: {value}");
            }
            if key == "rel" {
                assert_eq!(value, RELATION);
            }
            attributes = next.trim_start();
        }
        if !matches!(name, "br" | "hr") {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{about}: {open:?} stay open in {html}");
}

/// What somebody tries in a readme.
const HOSTILE: [&str; 84] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://e.example/x.js></SCRIPT>",
    "text <script>alert(1)</script> text",
    "<img src=x onerror=alert(1)>",
    "text <img src=x onerror=alert(1)> text",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=https://e.example/x.css>",
    "<base href=https://e.example/>",
    "<meta http-equiv=refresh content=0>",
    "<form action=https://e.example/><input name=password>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<object data=javascript:alert(1)>",
    "<embed src=x>",
    "<a href=javascript:alert(1)>x</a>",
    "a <a href=\"javascript:alert(1)\" onclick=alert(1)>x</a>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)>",
    "<div hx-get=/api/v1/users hx-trigger=load>x</div>",
    "<p id=content class=bar style=position:fixed>x</p>",
    "<!-- <script>alert(1)</script> -->",
    "<!--><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php <script>alert(1)</script> ?>",
    "<!DOCTYPE html><script>alert(1)</script>",
    "</section></main><script>alert(1)</script>",
    "</pre></code><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://e.example/1)",
    "[x](//e.example/x)",
    "[x](/system)",
    "[x](?csrf=1)",
    "[x](#top)",
    "[x](ftp://e.example/)",
    "[x](view-source:javascript:alert(1))",
    "[x](https://e.example/\"onmouseover=\"alert(1))",
    "[x](<https://e.example/\" onmouseover=\"alert(1)>)",
    "[x](https://e.example/'><script>alert(1)</script>)",
    "[x](https://e.example \"t\\\" onclick=\\\"alert(1)\")",
    "[x](<https://e.example/ a>)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "[x][r]\n\n[r]: https://e.example/ '\" onclick=alert(1) x=\"'",
    "<javascript:alert(1)>",
    "<https://e.example/\"><script>alert(1)</script>>",
    "<mailto:a@x.example?body=%0d%0aBcc:b>",
    "![x](javascript:alert(1))",
    "![x](https://e.example/p.png)",
    "![<script>alert(1)</script>](https://e.example/p.png)",
    "![\"onerror=alert(1)](https://e.example/p.png)",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    "![a ![b](https://e.example/b) c](https://e.example/a)",
    "[![x](https://e.example/i)](javascript:alert(1))",
    "[![x](javascript:alert(1))](https://e.example/)",
    "[a [b](https://e.example/b) c](https://e.example/a)",
    "# <script>alert(1)</script>",
    "# x {#content onclick=alert(1)}",
    "`<script>alert(1)</script>`",
    "``` <script>\n</code></pre><script>alert(1)</script>\n```",
    "```\"onload=alert(1)\nx\n```",
    "    <script>alert(1)</script>",
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    "- <script>\n- alert(1)\n- </script>",
    "> <script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "\\<script>alert(1)\\</script>",
    "*<script>*alert(1)*</script>*",
    "~~<b onclick=alert(1)>~~",
    "x\u{0}<script\u{0}>alert(1)</script\u{0}>",
    "\u{202e}<script>alert(1)</script>",
];

#[test]
fn nothing_hostile_becomes_markup() {
    for source in HOSTILE {
        let (html, _) = render(source);
        require_sound(&html.to_string(), source);
    }
    // All of them in one, and each within what may hold it.
    require_sound(&render(&HOSTILE.join("\n\n")).0.to_string(), "all");
    for source in HOSTILE {
        for around in [
            "> - {}",
            "| {} |\n|---|\n| {} |",
            "[{}](https://x.example/)",
            "![{}](https://x.example/)",
            "**{}**",
        ] {
            let source = around.replace("{}", source);
            require_sound(&render(&source).0.to_string(), &source);
        }
    }
}

#[test]
fn a_readme_looks_as_it_was_meant() {
    let (html, is_cut) = render(include_str!("../../testdata/readme.md"));
    let html = html.to_string();
    require_sound(&html, "the readme");
    assert!(!is_cut);
    assert_eq!(html, include_str!("../../testdata/readme.html"));
}

#[test]
fn images_are_links_and_no_request() {
    let html = |source| render(source).0.to_string();
    assert_eq!(
        html("![a *b*](https://x.example/p.png)"),
        format!("<p><a href=\"https://x.example/p.png\" rel=\"{RELATION}\">a <em>b</em></a></p>\n")
    );
    assert_eq!(html("![a](p.png)"), "<p>a</p>\n");
}

#[test]
fn much_and_deep_sources_stay_within_bounds() {
    let tables = format!(
        "|{}\n|{}\n{}",
        "a|".repeat(20_000),
        "-|".repeat(20_000),
        "|\n".repeat(50_000)
    );
    for source in [
        "> ".repeat(100_000),
        "[".repeat(200_000),
        "![".repeat(100_000),
        "*a **b ".repeat(30_000),
        "- ".repeat(100_000),
        "<a>".repeat(80_000),
        "&".repeat(262_144),
        "`".repeat(262_144),
        "|a\n|-\n".repeat(40_000),
        tables,
    ] {
        let begin: String = source.chars().take(12).collect();
        let (html, _) = render(&source);
        let html = html.to_string();
        assert!(html.len() < 3 << 20, "{begin}: {}", html.len());
        require_sound(&html, &begin);
        let depth = html.split("<blockquote>").count();
        assert!(depth <= MAX_DEPTH + 1, "{begin}: {depth}");
    }
    let (html, is_cut) = render(&"é".repeat(MAX_SOURCE_BYTES));
    assert!(is_cut);
    assert!(html.to_string().len() <= MAX_SOURCE_BYTES + 16);
}
