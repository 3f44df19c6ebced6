use super::*;

#[test]
fn queries_are_understood_whole_or_not_at_all() {
    let query = Query::read("limit=5&after=oci%2Fa+b&").expect("query");
    assert_eq!(query.get("limit"), Some("5"));
    assert_eq!(query.need("after").expect("after"), "oci/a b");
    assert_eq!(query.need("owner").expect_err("missing").about, "owner");
    let known = ["after", "limit", "owner"].map(str::to_owned);
    assert!(query.require_known(&known).is_ok());
    let unknown = query.require_known(&known[..1]).expect_err("unknown");
    assert_eq!(unknown.detail, "this call knows no parameter \"limit\"");
    for bad in ["a=1&a=2", "%=1", "a=%ff", "a=%zz"] {
        assert!(Query::read(bad).is_err(), "{bad}");
    }
    let many: Vec<String> = (0..=MAX).map(|n| format!("k{n}=")).collect();
    assert!(Query::read(&many.join("&")).is_err());
}
