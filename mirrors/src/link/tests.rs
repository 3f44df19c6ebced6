use super::*;

#[test]
fn the_next_page_is_found_among_all_links() {
    for (value, next) in [
        (
            "</v2/a/tags/list?n=2&last=b>; rel=\"next\"",
            Some("/v2/a/tags/list?n=2&last=b"),
        ),
        ("<?last=b>;rel=next", Some("?last=b")),
        (
            "<a>; rel=\"prev\", <b,c>; title=\"x, y\"; REL = \"Last NEXT\"",
            Some("b,c"),
        ),
        ("<a>; title=\"<b>; rel=next\"; rel=\"first\"", None),
        ("<a>", None),
        ("<a; rel=next", None),
        ("a; rel=next", None),
        ("<a>; rel=nextpage", None),
        ("", None),
    ] {
        assert_eq!(next_link(value), next, "{value}");
    }
}
