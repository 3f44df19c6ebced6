use super::*;

#[test]
fn forms() {
    let password = Credentials::Password {
        name: "alice".into(),
        password: "a:b".into(),
    };
    assert_eq!(read("Basic YWxpY2U6YTpi"), Some(password));
    let token = || Some(Credentials::Token("lrd_x".into()));
    assert_eq!(read("lrd_x"), token());
    assert_eq!(read("Bearer lrd_x"), token());
    assert_eq!(read("basic YW55OmxyZF94"), token());
    assert_eq!(read("Basic Og=="), Some(Credentials::Nothing));
    assert_eq!(
        read("Bearer a.b.c"),
        Some(Credentials::Bearer("a.b.c".into()))
    );
    for bad in [
        "",
        "Basic",
        "Basic !!",
        "Basic YWxpY2U=",
        "Digest x",
        "Basic /////w==",
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
