use super::*;

fn page(query: &str) -> Result<Page, Problem> {
    Page::read(&Query::read(query).expect("query"))
}

#[test]
fn limits_and_cursors() {
    let expected = |limit, after: &str| Page {
        limit,
        after: after.into(),
    };
    assert_eq!(page("").expect("page"), expected(100, ""));
    assert_eq!(
        page("limit=1000&after=x").expect("page"),
        expected(1000, "x")
    );
    for bad in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=",
        "limit=-1",
        "limit=99999999999999999999",
    ] {
        assert_eq!(page(bad).expect_err("bad").about, "limit", "{bad}");
    }
    let after = |query: &str| page(query).expect("page").after_id();
    assert_eq!(after("after=12").expect("id"), 12);
    assert_eq!(after("").expect("start"), 0);
    assert_eq!(after("after=x").expect_err("id").about, "after");
}
